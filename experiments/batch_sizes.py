"""Gradient descent against stochastic gradient descent, measured: `python -m experiments.batch_sizes`; 3 to 4 minutes.

Each batch size trains the lecture's network from the same weights, over the same order of images, twice: all at the
same learning rate, and each at the best rate of a short trial. A descent goes on until its work (images seen) and its
time (seconds of training) are both done; equal work and equal time are two cuts through the same curves.

Seconds are those of the compiled steps: without compiling, and without measuring. Costs are of the whole training set.
"""

import dataclasses
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import models.tensorflow_backend  # noqa: F401

import tyro
from rich.console import Console
from rich.table import Table
from tensorboard.plugins.hparams.summary_v2 import Metric

import runs
import train
from backprop.functions import unknown_name
from callbacks.ctrl_c import CtrlC
from callbacks.event_file import EventFile, scalar
from callbacks.run_description import hparams_end, hparams_start
from command_line import exit_status
from config import Config, ConfigError
from datasets import mnist
from experiments.claims import claims
from experiments.curves import Comparison, Descent, Point, as_csv, batch_name, median
from experiments.measuring import STEPS_COMPARED, STEPS_OF_TRIAL, Measure, descend, try_rates
from experiments.printing import NO_FIGURE, WIDTH, new_table, show

METRICS = (
    Metric("cost/training set", display_name="cost, training set"),
    Metric("accuracy/test", display_name="test accuracy"),
)
"""The columns of the HParams tab: the last values of the curves."""

BATCH_SIZES = ("1", "10", "32", "256", "1024", "full")
"""Of the option, as it is typed."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Measure gradient descent against stochastic gradient descent: the same network, other batch sizes.

    The exit status is 0 when all is measured, 2 for bad usage or input, 130 after Ctrl-C, which keeps what is measured
    so far.
    """

    batch_sizes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="INT|full ...")] = BATCH_SIZES
    """Images for each step; full is the whole training set: gradient descent."""
    learning_rate: float = 1.0
    """Of the comparison at the same rate for all."""
    rates: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    """Of which each batch size takes the best, by its training cost after a trial."""
    trial_epochs: int = 1
    """Length of each trial, and at least 20 steps; 0 leaves out the comparison at the best rates."""
    epochs: int = 10
    """Work: each descent sees the training set as often, or more where its time is not over."""
    seconds: float = 6.0
    """Time: each descent trains as long, or longer where its work is not done."""
    repeats: int = 1
    """Descents of each kind, from other weights and in other orders; the tables then show medians and spread."""
    accuracy: float = 0.9
    """Share of the test images: how long does it take to classify so many right?"""
    seed: int = 0
    """Seed of the first weights and of the order of the images."""
    logs: Path = Path("logs")
    """Folder that gets a new folder for TensorBoard, results.csv and the figure."""
    figures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where gradient-descent.png goes, in place of the new folder."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """An .npz file in Keras's layout, or a folder of the four idx files. Without it: cache, Keras, package index."""

    def validate(self) -> None:
        """Raise a ConfigError that names everything that is wrong."""
        problems = [
            f"{option} is {value:g}; expected {expected}."
            for option, value, good, expected in (
                ("--learning-rate", self.learning_rate, _is_rate(self.learning_rate), "a number above 0"),
                ("--trial-epochs", self.trial_epochs, self.trial_epochs >= 0, "0 or more"),
                ("--seconds", self.seconds, 0 <= self.seconds < math.inf, "0 or more"),
                ("--epochs", self.epochs, self.epochs >= 1, "1 or more"),
                ("--repeats", self.repeats, self.repeats >= 1, "1 or more"),
                ("--seed", self.seed, self.seed >= 0, "0 or more"),
                ("--accuracy", self.accuracy, 0 < self.accuracy <= 1, "a share above 0, at most 1"),
            )
            if not good
        ]
        problems += [f"--rates has {rate:g}; expected numbers above 0." for rate in self.rates if not _is_rate(rate)]
        for size in self.batch_sizes:
            if size != "full" and not size.lstrip("-").isdecimal():
                problems.append(unknown_name("--batch-sizes", size, ["full", "whole numbers"]))
            elif size != "full" and int(size) < 1:
                problems.append(f"--batch-sizes has {size}; expected 1 or more, or full.")
        if not self.batch_sizes:
            problems.append("--batch-sizes is empty; expected at least one.")
        if not self.rates and self.trial_epochs > 0:
            problems.append("--rates is empty; expected at least one, or --trial-epochs 0.")
        if problems:
            raise ConfigError("\n".join(problems))


def _is_rate(number: float) -> bool:
    return 0 < number < math.inf


def batch_sizes_for(options: Options, num_examples: int) -> list[int]:
    """The batch sizes as numbers, ascending, each once.

    Raises:
        ConfigError: where one is larger than the training set.
    """
    sizes = {num_examples if size == "full" else int(size) for size in options.batch_sizes}
    if max(sizes) > num_examples:
        raise ConfigError(
            f"--batch-sizes has {max(sizes):,}; the training set has {num_examples:,} images. full takes all of them."
        )
    return sorted(sizes)


# --- measuring --------------------------------------------------------------------------------------------------


class Measurement:
    """All that is measured, as it comes in.

    Args:
        options: what to measure.
        data: the images.
        console: where to say what is at work.

    Attributes:
        trials: for each batch size the training cost by learning rate.
        comparisons: what there is of them so far.
    """

    def __init__(self, options: Options, data: train.Dataset, console: Console) -> None:
        self.options = options
        self.config = Config(learning_rate=options.learning_rate, seed=options.seed)
        self.console = console
        self.sizes = batch_sizes_for(options, len(data.x_train))
        self.measure = Measure(train.manual_network(self.config), data)
        self.trials: dict[int, dict[float, float]] = {}
        self._same: list[Descent] = []
        self._own: list[Descent] = []

    @property
    def own_rates(self) -> dict[int, float]:
        """The rate with the lowest cost for each batch size tried so far."""
        return {size: min(costs, key=costs.__getitem__) for size, costs in self.trials.items()}

    @property
    def comparisons(self) -> list[Comparison]:
        """At the same rate, and at the own ones; only those with descents."""
        work = self.options.epochs * len(self.measure.data.x_train)
        same = f"All at rate {self.options.learning_rate:g}"
        kinds = (("same-rate", same, self._same), ("own-rate", "Each at its own best rate", self._own))
        return [
            Comparison(name, title, tuple(sorted(descents, key=lambda d: d.batch_size)), work, self.options.seconds)
            for name, title, descents in kinds
            if descents
        ]

    def run(self, ctrl_c: CtrlC) -> Iterator[tuple[str, Descent]]:
        """Measure. After Ctrl-C it ends with what there is.

        Yields:
            The comparison's name and each descent that is done.
        """
        for size in self.sizes if self.options.trial_epochs else ():
            self.say(f"trying rates for {self._describe(size)}")
            self.trials[size] = try_rates(
                self.config, self.measure, size, self.options.rates, self.options.trial_epochs, [ctrl_c]
            )
        for repeat in range(self.options.repeats):
            for size in self.sizes:
                same = self._descend(size, self.options.learning_rate, repeat, ctrl_c)
                self._same.append(same)
                yield "same-rate", same
                if ctrl_c.asked:
                    raise KeyboardInterrupt
                if (rate := self.own_rates.get(size)) is None:
                    continue
                own = same if rate == same.learning_rate else self._descend(size, rate, repeat, ctrl_c)
                self._own.append(own)
                yield "own-rate", own
                if ctrl_c.asked:
                    raise KeyboardInterrupt

    def _descend(self, size: int, rate: float, repeat: int, ctrl_c: CtrlC) -> Descent:
        self.say(f"{self._describe(size)} at rate {rate:g}")
        config = dataclasses.replace(self.config, learning_rate=rate, seed=self.options.seed + repeat)
        work = self.options.epochs * len(self.measure.data.x_train)
        return descend(config, self.measure, size, examples=work, seconds=self.options.seconds, callbacks=[ctrl_c])

    def _describe(self, size: int) -> str:
        name = batch_name(size, len(self.measure.data.x_train))
        return "the full batch" if name == "full" else f"batch {name}"

    def say(self, text: str) -> None:
        """On a terminal only, and not for long."""
        if self.console.is_terminal:
            self.console.file.write(f"\r\x1b[2K{text}")
            self.console.file.flush()


# --- for TensorBoard and other programs -------------------------------------------------------------------------


def write_run(folder: Path, comparison: str, descent: Descent) -> None:
    """A descent as a run of TensorBoard: images seen as steps, training seconds as time."""
    name = f"{comparison}-batch-{descent.name.replace(',', '')}"
    if (folder / name).exists():
        name += f"-seed-{descent.seed}"
    hyperparameters = {
        "batch_size": descent.batch_size,
        "learning_rate": descent.learning_rate,
        "comparison": comparison,
        "seed": descent.seed,
    }
    events, start = EventFile(folder / name), time.time()
    try:
        events.write(0, hparams_start(name, hyperparameters, METRICS), start)
        for point in descent.points:
            values = [scalar("cost/training set", point.cost), scalar("accuracy/test", point.accuracy)]
            events.write(point.examples, values, start + point.seconds)
        events.write(0, hparams_end(success=True), start + descent.points[-1].seconds)
    finally:
        events.close()


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none."""
    partial = path.with_suffix(".part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_figure(path: Path, comparison: Comparison) -> None:
    """Raises ImportError without matplotlib."""
    from experiments.figures import cost_curves, save

    save(cost_curves(comparison), path)


# --- for people -------------------------------------------------------------------------------------------------


def table_of_trials(trials: dict[int, dict[float, float]], num_examples: int, epochs: int) -> Table:
    """The cost of each rate; the best in brackets."""
    rates = list(next(iter(trials.values())))
    length = f"{epochs} epoch{'s' * (epochs > 1)} (at least {STEPS_OF_TRIAL} steps)"
    columns = ("batch", *(f"{rate:g} " for rate in rates))
    table = new_table(f"Trial: cost after {length} at each rate, the best in [ ]", *columns)
    for size, costs in trials.items():
        best = min(costs, key=costs.__getitem__)
        cells = [f"\\[{costs[rate]:.3f}]" if rate == best else f"{costs[rate]:.3f} " for rate in rates]
        table.add_row(batch_name(size, num_examples), *cells)
    return table


def edge_warnings(trials: dict[int, dict[float, float]], num_examples: int) -> list[str]:
    """One line for each batch size whose best rate is the first or the last one tried: a better one may lie beyond."""
    lines = []
    for size, costs in trials.items():
        best = min(costs, key=costs.__getitem__)
        if len(costs) > 1 and best in (min(costs), max(costs)):
            side, other = ("lowest", "lower") if best == min(costs) else ("highest", "higher")
            name = batch_name(size, num_examples)
            lines.append(f"Batch {name}: {best:g} is the {side} rate tried; a {other} one may be better.")
    return lines


def table_of_cut(comparison: Comparison, at: Literal["work", "time"], accuracy: float) -> Table:
    """Where the descents are at equal work, or at equal time: medians of the repeats."""
    cut = f"{comparison.examples:,} images each" if at == "work" else f"{comparison.seconds:g} s each"
    repeated = max(map(len, comparison.by_batch_size())) > 1
    columns = ["batch", "rate", "steps", "images", "seconds", "cost", "test acc.", f"{100 * accuracy:.3g} % after"]
    if repeated:
        columns.insert(6, "cost, range")
    table = new_table(f"{comparison.title}, {cut}", *columns)
    for group in comparison.by_batch_size():
        points = [
            point
            for d in group
            if (point := d.after_examples(comparison.examples) if at == "work" else d.after_seconds(comparison.seconds))
        ]
        if points:
            table.add_row(*_row(group, points, accuracy, at == "work", repeated))
    return table


def _row(group: list[Descent], points: list[Point], accuracy: float, in_images: bool, repeated: bool) -> list[str]:
    middle = {name: median([getattr(p, name) for p in points]) or 0.0 for name in ("seconds", "cost", "accuracy")}
    steps, images = (int(median([getattr(p, name) for p in points]) or 0) for name in ("steps", "examples"))
    reached = [d.reaching(accuracy) for d in group]
    when = median([None if p is None else p.examples if in_images else p.seconds for p in reached])
    costs = [p.cost for p in points]
    return [
        group[0].name,
        f"{group[0].learning_rate:g}",
        f"{steps:,}",
        f"{images:,}",
        f"{middle['seconds']:.2f}",
        f"{middle['cost']:.4f}",
        *([f"{min(costs):.4f}-{max(costs):.4f}"] if repeated else []),
        f"{middle['accuracy']:.2%}",
        "-" if when is None else f"{int(when):,}" if in_images else f"{when:.2f} s",
    ]


def table_of_speed(comparison: Comparison) -> Table:
    """How fast the steps are."""
    table = new_table("How fast the steps are", "batch", "steps/s", "images/s")
    for group in comparison.by_batch_size():
        ends = [d.points[-1] for d in group if d.points[-1].seconds > 0]
        if ends:
            steps = median([end.steps / end.seconds for end in ends]) or 0.0
            images = median([end.examples / end.seconds for end in ends]) or 0.0
            table.add_row(group[0].name, f"{steps:,.0f}" if steps >= 100 else f"{steps:.1f}", f"{images:,.0f}")
    return table


def table_of_steps(comparison: Comparison) -> Table:
    """The cost after the same steps."""
    table = new_table(f"{comparison.title}: cost after so many steps", "batch", *(f"{n:,}" for n in STEPS_COMPARED))
    for group in comparison.by_batch_size():
        points = [[d.after_steps(n) for d in group] for n in STEPS_COMPARED]
        costs = [median([None if p is None else p.cost for p in of_n]) for of_n in points]
        table.add_row(group[0].name, *("" if cost is None else f"{cost:.4f}" for cost in costs))
    return table


def print_report(console: Console, measurement: Measurement) -> None:
    """All tables, and what follows from them."""
    options, num_examples = measurement.options, len(measurement.measure.data.x_train)
    comparisons = measurement.comparisons
    if measurement.trials:
        show(console, table_of_trials(measurement.trials, num_examples, options.trial_epochs))
        for line in edge_warnings(measurement.trials, num_examples):
            runs.say(console, line)
    for comparison in comparisons:
        runs.say(console, "")
        show(console, table_of_cut(comparison, "work", options.accuracy))
        runs.say(console, "")
        show(console, table_of_cut(comparison, "time", options.accuracy))
    if comparisons:
        runs.say(console, "")
        show(console, table_of_steps(comparisons[0]))
        runs.say(console, "")
        show(console, table_of_speed(comparisons[-1]))
        runs.say(console, "\nWhat of the lecture's claims holds")
        for sentence in claims(comparisons[0], comparisons[-1], options.accuracy):
            console.print(f"- {sentence}", markup=False, highlight=False)
    runs.say(console, "")


# --- main -------------------------------------------------------------------------------------------------------


def measure_all(options: Options, console: Console) -> int:
    """Measure, print, write. Returns the exit status."""
    options.validate()
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)  # before anything is trained
    stored = mnist.load(options.data, say=lambda text: runs.say(console, text))
    measurement = Measurement(options, train.Dataset.from_mnist(stored, Config().dtype), console)
    folder = runs.new_run_folder(options.logs, "batch-sizes-")
    status = 0
    try:
        with CtrlC() as ctrl_c:
            for comparison, descent in measurement.run(ctrl_c):
                write_run(folder, comparison, descent)
    except KeyboardInterrupt:
        status = 130
    measurement.say("")
    if not measurement.comparisons:
        folder.rmdir()
        raise KeyboardInterrupt
    write_text(folder / "results.csv", as_csv(measurement.comparisons))
    print_report(console, measurement)
    figure = (options.figures or folder) / "gradient-descent.png"
    try:
        write_figure(figure, measurement.comparisons[-1])
        runs.say(console, f"Figure          {figure}")
    except ImportError:
        runs.say(console, f"Figure          {NO_FIGURE}")
    runs.say(console, f"Written to      {folder}")
    runs.say(console, f"TensorBoard     {runs.tensorboard_command(folder)}")
    if status:
        print("experiments.batch_sizes: interrupted; kept is what was measured so far.", file=sys.stderr)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 done, 2 bad usage or input, 130 interrupted.

    141 where the reader of the output, such as `head`, went away.
    """

    def work() -> int:
        options = tyro.cli(Options, args=argv, prog="experiments.batch_sizes")
        return measure_all(options, runs.Output(width=WIDTH, highlight=False))

    return exit_status(
        "experiments.batch_sizes",
        work,
        refused=(ConfigError, mnist.DataError, runs.RunFolderError),
        interrupted="interrupted before anything was measured.",
    )


if __name__ == "__main__":
    sys.exit(main())
