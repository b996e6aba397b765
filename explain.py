"""Put one weight of a trained network under the microscope: `python explain.py --layer hidden_1 --from 300 --to 7`.

Each factor of its chain rule is printed as a number, with the paths through which the cost reaches the weight, and the
gradient as derived by hand, by TensorFlow's tape and by a complex step. The work is in `microscope/`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import models.tensorflow_backend  # noqa: F401

import numpy as np
import tyro
from tyro.conf import arg

from backprop.functions import Array, unknown_name
from command_line import exit_status, rendered, write
from config import ConfigError
from datasets.mnist import DataError
from microscope.loading import FinishedRun, RunError, find_run, load_run
from microscope.report import Subject, print_report
from microscope.weight import Explanation, ManualModuleError, Weight, explain_weight


@dataclass(frozen=True)
class Options:
    """Write out the chain rule of one weight with its numbers, and derive its gradient in several ways.

    Without options: in the first layer of the newest run, the weight with the largest gradient.

    Units, inputs and images are counted from 0. The exit status is 0 when all derivations agree, 1 when not, 2 for bad
    usage or input.
    """

    run: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder of a finished run, or its name below --logs. Without it: the newest."""
    layer: Annotated[str | None, arg(metavar="NAME")] = None
    """hidden_1, hidden_2, ... or output. Without it: the first."""
    from_: Annotated[int | None, arg(name="from", metavar="K")] = None
    """The unit before, or pixel 28 * row + column, that the weight comes from. Without it: the largest gradient's."""
    to: Annotated[int | None, arg(metavar="J")] = None
    """The unit of the layer that the weight leads to. Without it: the largest gradient's."""
    bias: bool = False
    """The bias of unit J instead of a weight."""
    images: Annotated[tuple[int, ...], arg(metavar="I")] = ()
    """One image, or several as a batch. Without it: the batch with which the run began."""
    set: Annotated[str, arg(metavar="train|test")] = "train"
    """Which images: those trained on, or those of the test."""
    weights: Annotated[str, arg(metavar="trained|first")] = "trained"
    """The network as the run ended, or as it began."""
    logs: Path = Path("logs")
    """Folder with the runs."""
    data: Annotated[Path | None, arg(metavar="PATH")] = None
    """Where the run's own data are, if no longer where they were."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 agreement, 1 none, 2 bad usage or input, 130 interrupted."""

    def work() -> int:
        subject, explanation = explain(tyro.cli(Options, args=argv, prog="explain.py"))
        write(rendered(lambda console: print_report(console, subject, explanation)))
        return 0 if explanation.agrees else 1

    return exit_status("explain.py", work, refused=(RunError, ConfigError, DataError), failed=(ManualModuleError,))


def explain(options: Options) -> tuple[Subject, Explanation]:
    """Load the run, choose images and weight, and write the chain rule out.

    Raises:
        RunError: for options that cannot be used; one line for each thing that is wrong.
        ConfigError, DataError: where the run's data do not fit it, or there are none.
        ManualModuleError: where the manual module has no factors to show.
    """
    _refuse(
        [
            unknown_name(f"--{option}", value, allowed)
            for option, value, allowed in (
                ("set", options.set, ["train", "test"]),
                ("weights", options.weights, ["trained", "first"]),
            )
            if value not in allowed
        ]
    )
    run = load_run(find_run(options.run, options.logs), options.weights, options.data)
    _refuse(_problems(options, run))
    images = np.array(options.images) if options.images else run.first_batch(options.set)
    x, y = run.batch(options.set, images)
    dW, db = run.tape(x, y)
    weight = choose(options, run, dW, db)
    explanation = explain_weight(run.network, run.W, run.b, x, y, weight, tape=weight.of(dW, db))
    subject = Subject(
        folder=str(run.folder),
        weights=options.weights,
        sizes=run.config.sizes,
        layers=tuple(run.layer_names),
        activation=run.config.activation,
        cost=run.config.cost,
        chosen_among=_chosen_among(options, weight),
        set=options.set,
        images=images,
        is_first_batch=not options.images,
        digits=run.images_of(options.set)[1][images],
    )
    return subject, explanation


def choose(options: Options, run: FinishedRun, dW: Sequence[Array], db: Sequence[Array]) -> Weight:
    """The weight that is asked for; what is left open is chosen by the largest gradient."""
    layer = run.layer_names.index(options.layer or run.layer_names[0])
    gradient = db[layer][np.newaxis] if options.bias else dW[layer]  # (inputs or 1, units)
    inputs = range(len(gradient)) if options.from_ is None else [options.from_]
    units = range(gradient.shape[1]) if options.to is None else [options.to]
    size = np.abs(gradient[np.ix_(inputs, units)])
    k, j = np.unravel_index(np.argmax(size), size.shape)
    return Weight(layer, units[j], None if options.bias else inputs[k])


def _chosen_among(options: Options, weight: Weight) -> str:
    """What was left open, in words; empty where nothing was."""
    if options.bias:
        return "" if options.to is not None else "the layer's biases"
    if options.from_ is None and options.to is None:
        return "the layer's weights"
    if options.from_ is None:
        return f"those to unit {options.to}"
    return "" if options.to is not None else f"those from {'pixel' if weight.layer == 0 else 'unit'} {options.from_}"


def _problems(options: Options, run: FinishedRun) -> list[str]:
    """What cannot be asked of this run."""
    if options.layer is not None and options.layer not in run.layer_names:
        return [unknown_name("--layer", options.layer, run.layer_names)]
    layer = run.layer_names.index(options.layer or run.layer_names[0])
    name, (num_inputs, num_units) = run.layer_names[layer], run.W[layer].shape
    num_images = len(run.images_of(options.set)[0])
    problems = []
    if options.bias and options.from_ is not None:
        problems.append("--from is given with --bias; a bias comes from no unit: leave one of them out.")
    for option, number, limit, what in (
        ("from", options.from_, num_inputs, f"{name} has {num_inputs:,} inputs"),
        ("to", options.to, num_units, f"{name} has {num_units:,} units"),
        *(("images", i, num_images, f"the {options.set} set has {num_images:,} images") for i in options.images),
    ):
        if number is not None and not 0 <= number < limit:
            problems.append(f"--{option} is {number:,}; {what}: expected 0 to {limit - 1:,}.")
    return problems


def _refuse(problems: list[str]) -> None:
    """Raise a RunError with all that is wrong, one line for each."""
    if problems:
        raise RunError("\n".join(problems))


if __name__ == "__main__":
    sys.exit(main())
