"""The ball that bounces down the mountain: `python -m experiments.cost_surface`; about half a minute.

Gradient descent and stochastic gradient descent train the lecture's network from the same weights at the same rate.
Both paths are drawn over the same slices of the cost surface: a plane in the space of all 13,002 parameters, which
shows of a path what lies in it. How much that is, is computed and printed.

Then the direction itself: the angle between a mini-batch's gradient and that of the whole training set.
"""

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import tyro
from rich.console import Console

import runs
import train
from backprop.network import Network
from callbacks.ctrl_c import CtrlC
from callbacks.record import Array, GradientRecord
from command_line import exit_status
from config import Config, ConfigError
from datasets import mnist
from experiments import slices
from experiments.curves import batch_name, steps_per_epoch
from experiments.printing import NO_FIGURE, WIDTH, new_table, show
from experiments.slices import Slice, Surface, Trajectory

BATCH_SIZES = (1, 10, 32, 256, 1024)
"""Whose gradients' directions are measured."""

POINTS_KEPT = 300
"""Of a long path, about."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Draw the paths of gradient descent and of stochastic gradient descent over the same slice of the cost surface.

    The exit status is 0 when all is done, 2 for bad usage or input, 130 after Ctrl-C.
    """

    batch_size: int = 10
    """Images for each step of stochastic gradient descent."""
    learning_rate: float = 1.0
    """Of both."""
    steps: int = 60
    """Of both, for the first slice. In the second, stochastic gradient descent goes on for an epoch."""
    images: int = 5000
    """How many of the training set the surface's cost is the mean over."""
    grid: int = 33
    """Points of the surface along its width."""
    gradients: int = 50
    """Mini-batches of each size whose directions are measured."""
    seed: int = 0
    """Seed of the first weights and of the order of the images."""
    logs: Path = Path("logs")
    """Folder that gets a new folder for the figure."""
    figures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where bouncing-ball.png goes, in place of a new folder."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """An .npz file in Keras's layout, or a folder of the four idx files. Without it: cache, Keras, package index."""

    def validate(self, num_examples: int | None = None) -> None:
        """Raise a ConfigError that names everything that is wrong.

        Args:
            num_examples: images in the training set, where they are known already.
        """
        problems = []
        for option, value, least, most in (
            ("--batch-size", self.batch_size, 1, num_examples),
            ("--steps", self.steps, 2, 10_000),
            ("--images", self.images, 1, num_examples),
            ("--grid", self.grid, 2, 1000),
            ("--gradients", self.gradients, 1, 10_000),
            ("--seed", self.seed, 0, 2**31),
        ):
            if value < least or (most is not None and value > most):
                limit = f"to {most:,}" if most is not None else "or more"
                problems.append(f"{option} is {value:,}; expected {least:,} {limit}.")
        if not 0 < self.learning_rate < math.inf:
            problems.append(f"--learning-rate is {self.learning_rate:g}; expected a number above 0.")
        if problems:
            raise ConfigError("\n".join(problems))


@dataclasses.dataclass(frozen=True)
class Direction:
    """How well mini-batches of one size point where the whole training set does.

    Attributes:
        batch_size: B.
        where: at which weights, for people.
        cosines: float64 (number of batches,), of the angle to the gradient of the whole training set.
    """

    batch_size: int
    where: str
    cosines: Array

    @property
    def degrees(self) -> float:
        """The mean angle."""
        return float(np.degrees(np.arccos(np.clip(self.cosines, -1, 1))).mean())


# --- paths ------------------------------------------------------------------------------------------------------


class KeepPath(keras.callbacks.Callback):
    """Keeps the parameters at the beginning and after every n-th step, and ends the training.

    Args:
        steps: after which the path ends.
        every: n.
    """

    def __init__(self, steps: int, every: int) -> None:
        super().__init__()
        self.steps = steps
        self.every = every
        self.rows: list[Array] = []

    def on_gradients(self, record: GradientRecord) -> None:
        """Keep what is to be kept of these steps."""
        if record.first_step == 0:
            self.rows.append(_flat([parameter[:1] for parameter in record.parameters]))
        done = record.first_step + 1 + np.arange(len(record))  # steps done after each
        kept = np.flatnonzero((done <= self.steps) & (done % self.every == 0))
        self.rows.append(_flat([record.parameter_after(i, kept) for i in range(len(record.names))]))
        if done[-1] >= self.steps:
            self.model.stop_training = True


def _flat(parameters: Sequence[Array]) -> Array:
    """(n, *shape) each: (n, P)."""
    return np.concatenate(
        [parameter.reshape(len(parameter), math.prod(parameter.shape[1:])) for parameter in parameters], axis=1
    )


def descents(
    config: Config,
    data: train.Dataset,
    legs: Sequence[tuple[int, int]],
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[Trajectory]:
    """Train from the same weights, and keep the paths.

    Args:
        config: the network, the learning rate, the seed.
        data: the images.
        legs: `(batch_size, steps)` of each path.
        callbacks: called after the keeping.
    """
    paths = []
    for batch_size, steps in legs:
        keep = KeepPath(steps, max(1, steps // POINTS_KEPT))
        train.fit(
            train.build_model(config, num_steps=1),
            data,
            batch_size=batch_size,
            epochs=math.ceil(steps / steps_per_epoch(batch_size, len(data.x_train))),
            seed=config.seed,
            steps_per_execution=min(steps, config.steps_in_one_call),
            jit_compile=config.jit_compile,
            callbacks=[keep, *callbacks],
        )
        paths.append(Trajectory(batch_size, keep.every, steps // keep.every * keep.every, np.concatenate(keep.rows)))
    return paths


def shapes_of(config: Config) -> list[tuple[int, ...]]:
    """Of kernel and bias of each layer in turn."""
    pairs = zip(config.sizes[:-1], config.sizes[1:], strict=True)
    return [shape for inputs, outputs in pairs for shape in ((inputs, outputs), (outputs,))]


def surface_around(
    network: Network,
    plane: slices.Plane,
    paths: Sequence[Trajectory],
    shapes: Sequence[tuple[int, ...]],
    data: train.Dataset,
    options: Options,
) -> Surface:
    """The cost on a plane, around all paths; the mean over the first images of the training set."""
    coordinates = np.concatenate([plane.coordinates(path.points) for path in paths])
    u, v = slices.window(coordinates, aspect=1.4, size=options.grid)
    x, y = data.x_train[: options.images], data.y_train[: options.images]
    return slices.surface(network, plane, u, v, shapes, x, y)


def directions(
    network: Network,
    places: dict[str, Array],
    shapes: Sequence[tuple[int, ...]],
    data: train.Dataset,
    batch_sizes: Sequence[int],
    number: int,
    seed: int,
) -> list[Direction]:
    """The angles of some mini-batches of each size at some places.

    Args:
        network: activations and cost.
        places: parameters (P,), by a name for people.
        shapes: of kernel and bias of each layer in turn.
        data: whose training set is meant.
        batch_sizes: B.
        number: of batches for each.
        seed: of their choice; the same batches at all places.
    """
    x, y = data.x_train, data.y_train
    return [
        Direction(
            size,
            where,
            slices.cosines(network, point, shapes, x, y, list(slices.random_batches(len(x), size, number, seed))),
        )
        for where, point in places.items()
        for size in batch_sizes
    ]


# --- for people -------------------------------------------------------------------------------------------------


def print_slice(console: Console, a_slice: Slice, num_examples: int) -> None:
    """What the slice shows of each path."""
    table = new_table(a_slice.title, "batch", "steps", "images", "cost at its end", "of its way", "of its steps")
    plane = a_slice.surface.plane
    for path, cost in zip(a_slice.paths, a_slice.costs, strict=True):
        shares = f"{plane.share_of_way(path):.0%}", f"{plane.share_of_steps(path):.0%}"
        images = f"{path.steps * path.batch_size:,}"
        table.add_row(batch_name(path.batch_size, num_examples), f"{path.steps:,}", images, f"{cost:.4f}", *shares)
    show(console, table)


def print_directions(console: Console, found: Sequence[Direction]) -> None:
    """Mean angles by batch size and place, and what follows."""
    places = list(dict.fromkeys(direction.where for direction in found))
    table = new_table("Mean angle to the full gradient, and mean cosine", "batch", *places)
    for size in sorted({direction.batch_size for direction in found}):
        row = [d for d in found if d.batch_size == size]
        cells = [f"{d.degrees:.0f}° {d.cosines.mean():6.3f}" if np.isfinite(d.degrees) else "-" for d in row]
        table.add_row(f"{size:,}", *cells)
    show(console, table)
    runs.say(console, "")
    console.print(direction_sentence(found), markup=False, highlight=False)


def direction_sentence(found: Sequence[Direction]) -> str:
    """What of "not in the perfect direction" holds; from the numbers."""
    small, large = (pick(direction.batch_size for direction in found) for pick in (min, max))
    angles = [direction.degrees for direction in found if direction.batch_size == small]
    exact = [direction.degrees for direction in found if direction.batch_size == large]
    if not np.isfinite(angles + exact).all():
        return "Somewhere a gradient is zero, or its numbers are too large: directions cannot be compared there."
    uphill = np.concatenate([direction.cosines for direction in found if direction.batch_size == small]) < 0
    first = f"Batches of {small:,} are off the perfect direction by {min(angles):.0f} to {max(angles):.0f} degrees"
    if max(angles) < 1:
        return f"{first}: that a mini-batch's steps are not in it does not hold here."
    rest = f", those of {large:,} by {min(exact):.0f} to {max(exact):.0f}" if small != large else ""
    return f"{first}{rest}: the claim holds. Of the steps of {small:,}, {uphill.mean():.0%} lead uphill."


# --- main -------------------------------------------------------------------------------------------------------


def two_slices(options: Options, data: train.Dataset, ctrl_c: CtrlC) -> tuple[list[Slice], dict[str, Array]]:
    """Train, and slice: where both made as many steps, and where stochastic gradient descent has seen all images once.

    Returns:
        The slices, and the places at which directions are worth measuring.
    """
    config = Config(learning_rate=options.learning_rate, seed=options.seed)
    network, shapes, num_examples = train.manual_network(config), shapes_of(config), len(data.x_train)
    one_epoch = steps_per_epoch(options.batch_size, num_examples)
    legs = [(num_examples, options.steps), (options.batch_size, options.steps), (options.batch_size, one_epoch)]
    smooth, bouncing, long = descents(config, data, legs, [ctrl_c])
    images = long.steps * options.batch_size, smooth.steps * num_examples
    pairs = (
        (f"The same {options.steps:,} steps", slices.plane_of_bounce(smooth, bouncing), (smooth, bouncing)),
        (
            "An epoch of mini-batches: {:,} images against {:,}".format(*images),
            slices.plane_of_way(long),
            (smooth, long),
        ),
    )
    made = []
    for title, plane, paths in pairs:
        ends = np.stack([path.points[-1] for path in paths])
        costs = slices.costs_at(network, ends, shapes, data.x_train, data.y_train)
        a_surface = surface_around(network, plane, paths, shapes, data, options)
        made.append(Slice(title, a_surface, paths, tuple(map(float, costs))))
    places = {
        "at the start": smooth.points[0],
        f"full, {options.steps:,} steps": smooth.points[-1],
        f"{options.batch_size:,}, one epoch": long.points[-1],
    }
    return made, places


def draw_all(options: Options, console: Console) -> None:
    """Train, print, draw."""
    options.validate()
    stored = mnist.load(options.data, say=lambda text: runs.say(console, text))
    data = train.Dataset.from_mnist(stored, Config().dtype)
    num_examples = len(data.x_train)
    options.validate(num_examples)
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)  # before anything is trained
    config = Config(learning_rate=options.learning_rate, seed=options.seed)
    with CtrlC() as ctrl_c:
        made, places = two_slices(options, data, ctrl_c)
        runs.say(console, "How much of each path lies in its slice, the rest being at right angles to it\n")
        for a_slice in made:
            print_slice(console, a_slice, num_examples)
            runs.say(console, "")
        if ctrl_c.asked:
            raise KeyboardInterrupt
    sizes = [size for size in BATCH_SIZES if size <= num_examples]
    found = directions(
        train.manual_network(config), places, shapes_of(config), data, sizes, options.gradients, options.seed
    )
    print_directions(console, found)
    try:
        from experiments.figures import bouncing_ball, save
    except ImportError:
        runs.say(console, f"\nFigure          {NO_FIGURE}")
        return
    folder = options.figures or runs.new_run_folder(options.logs, "cost-surface-")
    save(bouncing_ball(made, num_examples), folder / "bouncing-ball.png")
    runs.say(console, f"\nFigure          {folder / 'bouncing-ball.png'}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 done, 2 bad usage or input, 130 interrupted.

    141 where the reader of the output, such as `head`, went away.
    """

    def work() -> int:
        options = tyro.cli(Options, args=argv, prog="experiments.cost_surface")
        draw_all(options, runs.Output(width=WIDTH, highlight=False))
        return 0

    return exit_status(
        "experiments.cost_surface",
        work,
        refused=(ConfigError, mnist.DataError, runs.RunFolderError),
        interrupted="interrupted; no figure was made.",
    )


if __name__ == "__main__":
    sys.exit(main())
