"""Training with a mistake of the catalogue in it: from the same weights, on the same batches as the right training.

    trained = train_with(mistake, setup)     # mistake from grading.mistakes; None for the right training

The loop is `backprop.descent.steps`, the mistake one wrong rule in it. At steps of ever greater distance the training
is looked at: how well it does, and how far its gradient is from the true one at the same parameters, on the batch that
was given for that step. What is needed to check such a step is kept, as the record that `GradientCheck` takes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from backprop.compare import relative_error
from backprop.descent import Batch, Descent, Parameters, Run, steps
from backprop.functions import Array
from backprop.network import Arrays, Network, backward, batch_cost, forward
from callbacks.record import GradientRecord
from grading.assignment import read_assignment
from grading.derivation import RIGHT, Derivation, compose
from grading.mistakes import Mistake, applicable, setting_of
from grading.mistakes.delta import DELTA
from grading.mistakes.forward import COST, FORWARD
from grading.mistakes.gradient import GRADIENT
from grading.mistakes.loop import LOOP

ASSIGNMENT = Path(__file__).parents[1] / "assignments" / "backprop"

CORRECT = "correct"
"""The name of the training without a mistake."""

KINDS = {"cost": COST, "forward": FORWARD, "delta": DELTA, "gradient": GRADIENT, "loop": LOOP}
"""What of the work a mistake is in: the first that has it."""

LOOKS_PER_DECADE = 8
"""How many steps are looked at from step 10 to step 100, from 100 to 1,000, and so on."""

SAMPLES_LIMIT = 20
"""A training is cut where it has used this many times the samples of the right one."""

FORGOTTEN: Parameters = ([], [])


@dataclass(frozen=True)
class Setup:
    """What all trainings have in common.

    Attributes:
        network: the right one.
        W, b: the first kernels, (n_l, n_l+1) each, and biases, (n_l+1,) each, in the inputs' dtype.
        x_train, x_test: float32 or float64 (N, n_0).
        y_train, y_test: the same dtype, (N, n_L), one-hot.
        batches: int (B,), rows of the training set, one array for each step.
        steps_per_epoch: how many of them make an epoch.
        learning_rate: as a factor of the gradient.
    """

    network: Network
    W: Arrays
    b: Arrays
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    batches: Sequence[Batch]
    steps_per_epoch: int
    learning_rate: float

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """Of the parameters, as Keras has them: "hidden_1 kernel", "hidden_1 bias", ..."""
        layers = [*(f"hidden_{l}" for l in range(1, len(self.W))), "output"]
        return tuple(f"{layer} {tensor}" for layer in layers for tensor in ("kernel", "bias"))


@dataclass(frozen=True)
class Look:
    """What was seen at one step.

    Attributes:
        step: from 1.
        accuracy: share of the test samples classified right after the step, by the training's own forward pass; NaN
            where its outputs are no numbers.
        cost: of the batch before the step, as the training itself computes it.
        cosine: of its gradient and the true one, all parameters together; NaN where one of them is zero or has entries
            that are no numbers, or where no batch was given for this step.
        step_cosine: the same of the way the parameters went, and minus the true gradient.
        errors: of its gradient, ||gradient - true|| / ||true|| for each parameter; inf where the shape is another, NaN
            where no batch was given for this step.
    """

    step: int
    accuracy: float
    cost: float
    cosine: float
    step_cosine: float
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Trained:
    """A training, as it went.

    Attributes:
        name: of the mistake, or `CORRECT`.
        kind: what of the work the mistake is in, one of `KINDS`; empty where there is none.
        says: the mistake in words.
        number: of the mistake's own, such as a momentum; None where it has none.
        end: "done"; "error", where it stopped at shapes that do not fit; "not finite", where its parameters or outputs
            were no numbers any more; "cut", where it used too many samples.
        why: of "error", what NumPy says.
        num_steps: how many steps were done.
        looks: at some of the steps, in their order; none where not one step was done.
        records: of those for which a batch was given; one step each.
    """

    name: str
    kind: str
    says: str
    number: float | None
    end: str
    why: str
    num_steps: int
    looks: tuple[Look, ...]
    records: tuple[GradientRecord, ...] = ()

    @property
    def accuracy(self) -> float:
        """The last one, a share; NaN where there is none."""
        return self.looks[-1].accuracy if self.looks else float("nan")


# --- which mistakes ---------------------------------------------------------------------------------------------


def possible_mistakes() -> dict[str, Mistake]:
    """Those that can be made with the lecture's network, by name."""
    return {mistake.name: mistake for mistake in applicable(setting_of(read_assignment(ASSIGNMENT)))}


def kind_of(mistake: Mistake) -> str:
    """What of the work it is in."""
    return next(kind for kind, mistakes in KINDS.items() if mistake in mistakes)


# --- one training -----------------------------------------------------------------------------------------------


def train_with(mistake: Mistake | None, setup: Setup, after_step: Callable[[], None] = lambda: None) -> Trained:
    """Train, and look on.

    Args:
        mistake: the wrong rule; the first of its numbers, where it has some. None for the right training.
        setup: where to begin, and on what.
        after_step: called after each step; what it raises ends the training.
    """
    number = mistake.number[0] if mistake and mistake.number else None
    derivation = mistake.made_in(RIGHT, number) if mistake else RIGHT
    with ThreadpoolController().select(user_api="blas").limit(limits=1), np.errstate(all="ignore"):
        end, why, num_steps, looks, records = _Training(setup, derivation).go(after_step)
    return Trained(
        name=mistake.name if mistake else CORRECT,
        kind=kind_of(mistake) if mistake else "",
        says=mistake.says if mistake else "the right training",
        number=number,
        end=end,
        why=why,
        num_steps=num_steps,
        looks=tuple(looks),
        records=tuple(records),
    )


def loop_of(derivation: Derivation) -> Descent:
    """The loop with its wrong rules.

    Where only what a function returns is wrong, the way back gets what the wrong forward pass returned.
    """
    descent = derivation.descent()
    if not derivation.returned or derivation.loop:
        return descent
    spoil = compose(lambda quantities: quantities, derivation.returned)

    def gradient(r: Run, W: Arrays, b: Arrays, x: Array, y: Array) -> Parameters:
        z, a = forward(r.network, W, b, x)
        returned = spoil({"zs": z, "activations": a})
        return backward(r.network, W, b, returned["zs"], returned["activations"], y)

    return dataclasses.replace(descent, gradient=gradient)


class _Training:
    """One training at work."""

    def __init__(self, setup: Setup, derivation: Derivation) -> None:
        self.setup = setup
        self.network = derivation.network(setup.network)
        self.cost = compose(batch_cost, derivation.cost)
        self.show = compose(lambda a: a, derivation.output)
        right, self.descent = Descent(), loop_of(derivation)
        self.looks_back = self.descent.point != right.point or self.descent.direction != right.direction
        self.steps_to_look_at = steps_to_look_at(len(setup.batches), setup.steps_per_epoch)
        self.labels = setup.y_test.argmax(axis=-1)
        self.run = Run(
            self.network,
            setup.x_train,
            setup.y_train,
            setup.batches,
            setup.learning_rate,
            parameters=[(list(setup.W), list(setup.b))],
        )
        self.used: tuple[Arrays, Arrays, Array, Array] = ([], [], setup.x_test, setup.y_test)
        self.num_samples, self.most_samples = 0, SAMPLES_LIMIT * sum(map(len, setup.batches))
        self.looks: list[Look] = []
        self.records: list[GradientRecord] = []

    def go(self, after_step: Callable[[], None]) -> tuple[str, str, int, list[Look], list[GradientRecord]]:
        """Train to the end: how it ended, why, after how many steps, and what was seen."""
        step, end, why = 0, "done", ""
        try:
            for step in self._steps():
                after_step()
                if step in self.steps_to_look_at:
                    self._look(step)
                    if not self._is_finite():
                        end = "not finite"
                        break
                if self.num_samples >= self.most_samples:
                    end = "cut"
                    break
            if step > 0 and self.looks[-1].step < step:
                self._look(step)
        except (ValueError, IndexError, TypeError) as error:
            end, why = "error", " ".join(str(error).split())
        return end, why, step, self.looks, self.records

    def _steps(self) -> Iterator[int]:
        """The loop's steps; those that went before are forgotten where no rule looks back."""
        for step in steps(self.run, dataclasses.replace(self.descent, gradient=self._gradient)):
            self._refuse_other_shapes()
            self.num_samples += len(self.used[2])
            yield step
            if not self.looks_back and step > 1:
                self.run.parameters[step - 2] = self.run.gradients[step - 2] = FORGOTTEN

    def _gradient(self, r: Run, W: Arrays, b: Arrays, x: Array, y: Array) -> Parameters:
        """The loop's own, noting at which parameters and of which samples it is taken."""
        self.used = W, b, x, y
        return self.descent.gradient(r, W, b, x, y)

    def _refuse_other_shapes(self) -> None:
        """NumPy spreads a parameter over an axis that its gradient has too many, and goes on with many networks."""
        before, after = (_in_turn(self.run.parameters[i]) for i in (-2, -1))
        for name, w, w_next in zip(self.setup.tensor_names, before, after, strict=True):
            if w_next.shape != w.shape:
                raise ValueError(f"{name} becomes {w_next.shape} by the step; it was {w.shape}")

    def _is_finite(self) -> bool:
        tensors = _in_turn(self.run.parameters[-1])
        return all(np.isfinite(tensor).all() for tensor in tensors) and not np.isnan(self.looks[-1].accuracy)

    def _look(self, step: int) -> None:
        """Measure what is to be known of the step just done."""
        before, after, gradient = (
            self.run.parameters[step - 1],
            self.run.parameters[step],
            _in_turn(self.run.gradients[step - 1]),
        )
        W, b, x, y = self.used
        _, a = forward(self.network, W, b, x)
        cost = float(self.cost(self.network, a[-1], y))
        cosine = step_cosine = float("nan")
        errors = (float("nan"),) * len(gradient)
        if step <= len(self.setup.batches):
            true = self._true_gradient(before, self.setup.batches[step - 1])
            cosine = cosine_of(gradient, true)
            moves = [w - w_next for w, w_next in zip(_in_turn(before), _in_turn(after), strict=True)]
            step_cosine = cosine_of(moves, true)
            errors = tuple(map(_error, gradient, true))
            self.records.append(self._record(step, gradient, cost))
        self.looks.append(Look(step, self._accuracy(after), cost, cosine, step_cosine, errors))

    def _true_gradient(self, parameters: Parameters, batch: Batch) -> list[Array]:
        """Of the right network on the given batch, float64."""
        W, b = ([tensor.astype(np.float64) for tensor in tensors] for tensors in parameters)
        x, y = self.setup.x_train[batch].astype(np.float64), self.setup.y_train[batch].astype(np.float64)
        z, a = forward(self.setup.network, W, b, x)
        return _in_turn(backward(self.setup.network, W, b, z, a, y))

    def _accuracy(self, parameters: Parameters) -> float:
        _, a = forward(self.network, *parameters, self.setup.x_test)
        outputs = self.show(a[-1])
        return float((outputs.argmax(axis=-1) == self.labels).mean()) if np.isfinite(outputs).all() else float("nan")

    def _record(self, step: int, gradient: Sequence[Array], cost: float) -> GradientRecord:
        """The step for `GradientCheck`: the training's own numbers, and the batch that was given."""
        setup, dtype = self.setup, self.setup.x_train.dtype
        _, _, x, y = self.used
        _, a = forward(self.network, *self.run.parameters[step - 1], x)
        return GradientRecord(
            epoch=(step - 1) // setup.steps_per_epoch,
            first_step=step - 1,
            num_steps_per_epoch=setup.steps_per_epoch,
            names=setup.tensor_names,
            indices=setup.batches[step - 1][np.newaxis].astype(np.int32),
            costs=np.array([cost], dtype),
            num_correct=np.array([(a[-1].argmax(axis=-1) == y.argmax(axis=-1)).sum()], np.int32),
            learning_rates=np.array([setup.learning_rate], dtype),
            parameters=tuple(w[np.newaxis] for w in _in_turn(self.run.parameters[step - 1])),
            final_parameters=tuple(_in_turn(self.run.parameters[step])),
            gradients=tuple(np.asarray(g, dtype)[np.newaxis] for g in gradient),
        )


def steps_to_look_at(num_steps: int, steps_per_epoch: int) -> frozenset[int]:
    """Steps of ever greater distance, and the last step of each epoch with the one after it.

    Example:
        >>> sorted(steps_to_look_at(30, steps_per_epoch=11))[:14]
        [1, 2, 3, 4, 6, 7, 10, 11, 12, 13, 18, 22, 23, 24]
    """
    decades = 8  # more steps than any training here has
    by_size = np.unique(np.logspace(0, decades, LOOKS_PER_DECADE * decades + 1).round().astype(int)).tolist()
    ends = range(steps_per_epoch, num_steps + 1, steps_per_epoch)
    return frozenset(by_size) | set(ends) | {step + 1 for step in ends}


def cosine_of(first: Sequence[Array], second: Sequence[Array]) -> float:
    """Of the angle between two gradients, all parameters together. NaN where one of them is zero, or not finite.

    A tensor of another shape is spread over its parameter, as the step does it; NaN where it cannot.

    Example:
        >>> cosine_of([np.array([3.0]), np.array([4.0])], [np.array([3.0]), np.array([0.0])])
        0.6
    """
    try:
        pairs = [(np.broadcast_to(u, v.shape).ravel(), v.ravel()) for u, v in zip(first, second, strict=True)]
    except ValueError:
        return float("nan")
    u, v = (np.concatenate(side).astype(np.float64) for side in zip(*pairs, strict=True))
    largest = np.abs(u).max(), np.abs(v).max()  # whose squares might overflow
    u, v = u / largest[0], v / largest[1]
    return float(u @ v / np.sqrt((u @ u) * (v @ v)))


def _error(gradient: Array, true: Array) -> float:
    return float(relative_error(gradient, true, true.ndim)) if gradient.shape == true.shape else float("inf")


def _in_turn(parameters: Parameters) -> list[Any]:
    """Kernel, bias, kernel, bias, ...: the order of Keras's trainable variables."""
    return [np.asarray(tensor) for pair in zip(*parameters, strict=True) for tensor in pair]
