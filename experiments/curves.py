"""What was measured of a descent: points along its way, and what can be read off them."""

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """Where a descent was after some of its steps.

    Attributes:
        steps: done so far.
        examples: images seen so far, each as often as it was seen.
        seconds: of training so far; measuring and compiling are not in it.
        cost: mean over the whole training set.
        accuracy: share of the test images classified right, 0 to 1.
    """

    steps: int
    examples: int
    seconds: float
    cost: float
    accuracy: float


@dataclass(frozen=True)
class Descent:
    """One training, from its first weights on.

    Attributes:
        batch_size: images for each step.
        num_examples: images in the training set, so that a batch of as many is the full one.
        learning_rate: length of a step, as a factor of the gradient.
        seed: of the first weights and of the order of the images.
        points: in the order of the steps, the first before any step.
    """

    batch_size: int
    num_examples: int
    learning_rate: float
    seed: int
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """Of its batch size, for people."""
        return batch_name(self.batch_size, self.num_examples)

    def after_examples(self, examples: int) -> Point | None:
        """The first point that has seen as many; None where the descent ended before."""
        return next((point for point in self.points if point.examples >= examples), None)

    def after_seconds(self, seconds: float) -> Point | None:
        """The point nearest to that time; None where the descent ended well before."""
        if self.points[-1].seconds < 0.9 * seconds:
            return None
        return min(self.points, key=lambda point: abs(point.seconds - seconds))

    def after_steps(self, steps: int) -> Point | None:
        """The point after exactly that many steps; None where it was not measured."""
        return next((point for point in self.points if point.steps == steps), None)

    def reaching(self, accuracy: float) -> Point | None:
        """The first point with that test accuracy; None where none has it."""
        return next((point for point in self.points if point.accuracy >= accuracy), None)


@dataclass(frozen=True)
class Comparison:
    """Descents with different batch sizes, and what they were given alike.

    Attributes:
        name: for files and logs, one word.
        title: for people.
        descents: by batch size; those of one batch size differ in their seeds.
        examples: of the cut at equal work.
        seconds: of the cut at equal time.
    """

    name: str
    title: str
    descents: tuple[Descent, ...]
    examples: int
    seconds: float

    def by_batch_size(self) -> list[list[Descent]]:
        """The descents of each batch size, from the smallest to the largest."""
        sizes = sorted({descent.batch_size for descent in self.descents})
        return [[descent for descent in self.descents if descent.batch_size == size] for size in sizes]


def batch_name(batch_size: int, num_examples: int) -> str:
    """A batch size for people: a number, or full."""
    return "full" if batch_size == num_examples else f"{batch_size:,}"


def steps_per_epoch(batch_size: int, num_examples: int) -> int:
    """The last batch may be smaller."""
    return math.ceil(num_examples / batch_size)


def examples_after(steps: int, batch_size: int, num_examples: int) -> int:
    """How many images so many steps have seen.

    Example, three batches in each epoch of 10 images, of 4, 4 and 2:
        >>> [examples_after(steps, 4, 10) for steps in range(5)]
        [0, 4, 8, 10, 14]
    """
    epochs, steps_in_epoch = divmod(steps, steps_per_epoch(batch_size, num_examples))
    return epochs * num_examples + steps_in_epoch * batch_size


def steps_for(examples: int, batch_size: int, num_examples: int) -> int:
    """The fewest steps that have seen so many images.

    Example, as above:
        >>> [steps_for(examples, 4, 10) for examples in (0, 1, 4, 5, 10, 11)]
        [0, 1, 1, 2, 3, 4]
    """
    epochs, rest = divmod(examples, num_examples)
    return epochs * steps_per_epoch(batch_size, num_examples) + math.ceil(rest / batch_size)


def median(values: Sequence[float | None]) -> float | None:
    """The median; None, which stands for what a descent did not come to, counts as more than any number.

    Example:
        >>> median([3.0, None, 1.0]), median([None, 1.0])
        (3.0, None)
    """
    middle = statistics.median_high([math.inf if value is None else value for value in values])
    return None if math.isinf(middle) else middle


COLUMNS = (
    "comparison",
    "batch_size",
    "learning_rate",
    "seed",
    "steps",
    "examples",
    "seconds",
    "training_cost",
    "test_accuracy",
)


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """One line for each point of each descent."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for comparison in comparisons:
        for d in comparison.descents:
            for p in d.points:
                numbers = (f"{p.seconds:.6f}", f"{p.cost:.8g}", f"{p.accuracy:.6g}")
                lines.writerow([comparison.name, d.batch_size, d.learning_rate, d.seed, p.steps, p.examples, *numbers])
    return text.getvalue()
