"""It trains anyway: why test accuracy does not tell whether a gradient is right.

    python -m experiments.it_trains_anyway                      every mistake of the catalogue, in a minute or two
    python -m experiments.it_trains_anyway --only sign momentum

Each mistake trains the lecture's network on the whole of MNIST, from the same weights and on the same batches. Shown
are how well each does, and what the gradient check says of it.

The work is in the other modules. What needs TensorFlow is imported late: the worker processes import this file, too.
"""

import dataclasses
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from backprop.functions import unknown_name
from command_line import exit_status
from datasets import mnist
from experiments.printing import NO_FIGURE
from experiments.workers import train_all
from experiments.wrong_outcomes import Outcome, as_csv, as_json, in_words, paragraph, table_of
from experiments.wrong_training import CORRECT, Setup, possible_mistakes

if TYPE_CHECKING:
    from rich.console import Console

NAME = "experiments.it_trains_anyway"
FIGURE = "it-trains-anyway.png"


@dataclasses.dataclass(frozen=True)
class Options:
    """Train the lecture's network with each mistake of the catalogue, and see which of them accuracy would tell.

    The exit status is 0 when all is done, 1 when the correct training failed its check, 2 for bad usage or input, 130
    after Ctrl-C, which leaves nothing behind.
    """

    only: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """These mistakes, beside the correct training; without it, all that this network can have."""
    epochs: int = 2
    """How often all training images are used."""
    batch_size: int = 64
    """Images in a batch. Where it does not divide their number, the last batch of an epoch is smaller."""
    learning_rate: float = 1.0
    """Length of a step, as a factor of the gradient."""
    seed: int = 0
    """Seed of the first weights and of the order of the images, as in train.py."""
    workers: int = min(4, os.cpu_count() or 1)
    """Processes that train beside each other; each holds the images, and takes 1 to 1.4 GB."""
    logs: Path = Path("logs")
    """Folder that gets a new folder for this run: results, runs for TensorBoard, the picture."""
    figures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where it-trains-anyway.png goes, in place of the new folder."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """An .npz file in Keras's layout, or a folder of the four idx files. Without it: as train.py."""


class UsageError(Exception):
    """The options cannot be used. One line for each thing that is wrong."""


def problems(options: Options) -> list[str]:
    """What is wrong with them: a sentence each."""
    found = [_unknown_mistake(name) for name in options.only if name not in possible_mistakes()]
    for option, least in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("workers", 1)):
        if getattr(options, option) < least:
            found.append(f"--{option.replace('_', '-')} is {getattr(options, option)}; expected {least} or more.")
    if not 0 < options.learning_rate < float("inf"):
        found.append(f"--learning-rate is {options.learning_rate}; expected a number above 0.")
    return found


def _unknown_mistake(name: str) -> str:
    known = possible_mistakes()
    guess = unknown_name("", name, known).partition(" Did you mean ")
    return f"--only is {name!r}; expected one of the {len(known)} mistakes of this network." + "".join(guess[1:])


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    return exit_status(
        NAME,
        lambda: run(tyro.cli(Options, args=argv, prog=NAME)),
        refused=(UsageError, mnist.DataError),
        interrupted="interrupted; nothing was written.",
    )


def run(options: Options) -> int:
    """Train, check, show, write."""
    wrong = problems(options)
    if wrong:
        raise UsageError("\n".join(wrong))
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)  # before anything is trained

    import models.tensorflow_backend  # noqa: F401

    import runs
    from experiments.wrong_run import mnist_data, setup_from

    began = time.perf_counter()
    console = runs.Output(highlight=False)
    data = mnist_data(options.data)
    if options.batch_size > len(data.x_train):
        raise UsageError(f"--batch-size is {options.batch_size:,}; the training set has {len(data.x_train):,} images.")
    setup = setup_from(data, options.epochs, options.batch_size, options.learning_rate, options.seed)
    names = [*dict.fromkeys(options.only or reversed(possible_mistakes())), CORRECT]  # the long ones come first
    try:
        folder = runs.new_run_folder(options.logs, "it-trains-anyway-")
    except runs.RunFolderError as error:
        raise UsageError(str(error)) from error
    with kept_when_done(folder):
        runs.say(console, f"{_head(setup, len(names) - 1)}\nRun {folder}\n")
        outcomes = checked(names, setup, options.workers, console)
        show(outcomes, console)
        write(outcomes, folder, _settings(options), len(setup.batches))
        told = draw_into(outcomes, options.figures or folder)
    for label, text in (
        ("Saved in", str(folder)),
        ("Figure", told or str((options.figures or folder) / FIGURE)),
        ("TensorBoard", runs.tensorboard_command(folder)),
        ("Time", f"{time.perf_counter() - began:.0f} s"),
    ):
        runs.say(console, f"{label:<13}{text}")
    correct = next(outcome for outcome in outcomes if outcome.trained.name == CORRECT)
    if correct.verdict is None or not correct.verdict.agrees:
        message = correct.verdict.message if correct.verdict else correct.trained.why
        print(f"{NAME}: the correct training failed its check: {message}", file=sys.stderr)
        return 1
    return 0


def _head(setup: Setup, num_mistakes: int) -> str:
    sizes = "-".join(map(str, [setup.W[0].shape[0], *(w.shape[1] for w in setup.W)]))
    return (
        f"Network {sizes}, sigmoid, squared-error: correct, and with {in_words(num_mistakes)}\n"
        f"SGD, learning rate {setup.learning_rate:g}, {len(setup.batches):,} batches of {len(setup.batches[0]):,} "
        f"from {len(setup.x_train):,} images"
    )


def _settings(options: Options) -> dict[str, object]:
    names = ("epochs", "batch_size", "learning_rate", "seed", "data")
    return {name: getattr(options, name) for name in names}


@contextmanager
def kept_when_done(folder: Path) -> Iterator[None]:
    """Take the folder away where the block does not come to its end."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def checked(names: Sequence[str], setup: Setup, workers: int, console: "Console") -> list[Outcome]:
    """Train with each mistake, and have the gradient check look at each: the records are not kept after it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from experiments.wrong_run import verdict_of

    outcomes = []
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(names))
        with closing(train_all(names, setup, workers)) as trainings:
            for trained in trainings:
                verdict = verdict_of(trained, setup)
                outcomes.append(Outcome(dataclasses.replace(trained, records=()), verdict))
                progress.update(task, advance=1, description=trained.name)
    return outcomes


def show(outcomes: Sequence[Outcome], console: "Console") -> None:
    """The table, and what it comes to."""
    console.print(table_of(outcomes))
    console.print()
    for sentences in paragraph(outcomes):
        console.print(sentences + "\n", markup=False)


def write(outcomes: Sequence[Outcome], folder: Path, settings: dict[str, object], num_steps: int) -> None:
    """All but the picture."""
    from experiments.wrong_run import write_events

    (folder / "results.csv").write_text(as_csv(outcomes), encoding="utf-8")
    (folder / "results.json").write_text(as_json(outcomes, settings), encoding="utf-8")
    for outcome in outcomes:
        write_events(folder / outcome.trained.name, outcome, num_steps)


def draw_into(outcomes: Sequence[Outcome], folder: Path) -> str:
    """The figure; where it cannot be drawn, why."""
    try:
        from experiments.wrong_figure import save
    except ImportError:
        return NO_FIGURE
    save(outcomes, folder / FIGURE)
    return ""


if __name__ == "__main__":
    sys.exit(main())
