"""A run's folder under `logs/`: what was asked for, what came of it, and the trained network.

config.json     the resolved configuration with its seed, the versions of Python and of the packages, the data's source
history.csv     one line for each epoch
model.keras     the trained network; keras.models.load_model("model.keras", compile=False) reads it anywhere
summary.json    how the run ended: accuracy, what was checked, the worst error; or what stopped it
events*, train/ validation/ numpy/ projector/   what TensorBoard shows
"""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from callbacks.finite_cost import NonFiniteCost
from callbacks.gradient_check import GradientCheck, GradientMismatch
from config import Config

PACKAGES = ("tensorflow", "keras", "tensorboard", "numpy")

TENSORBOARD_LINK = "http://localhost:6006/data/plugin/backprop_check/open"
"""Opens TensorBoard where most is seen at once: it leads on to the charts, the telling ones pinned, none smoothed."""


class RunFolderError(Exception):
    """The run's folder cannot be made or written. The message says which, and how to go on."""


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
        status: "done", or "interrupted" by Ctrl-C.
        config: as it was used.
        folder: of the run.
        model: as trained.
        history: `loss`, `accuracy`, `val_loss`, `val_accuracy` and `gradient_error` of each epoch done.
        test_cost: of the model as it is, over all test images.
        test_correct: number of test images classified right.
        num_test: number of test images.
        num_steps: steps trained.
        check: the gradient check, with its counts and the worst error.
    """

    status: str
    config: Config
    folder: Path
    model: keras.Model
    history: dict[str, list[float]]
    test_cost: float
    test_correct: int
    num_test: int
    num_steps: int
    check: GradientCheck

    @property
    def test_accuracy(self) -> float:
        """Share of the test images classified right."""
        return self.test_correct / self.num_test


# --- the folder -------------------------------------------------------------------------------------------------


def new_run_folder(logs: Path, prefix: str = "") -> Path:
    """Make a folder that no other run has, named after the time: `20261124-153012`, or `20261124-153012-2`.

    Args:
        logs: where; made where it is missing.
        prefix: of the name.

    Raises:
        RunFolderError: where it cannot be made.
    """
    name = prefix + time.strftime("%Y%m%d-%H%M%S")
    number = 1
    try:
        logs.mkdir(parents=True, exist_ok=True)
        while True:
            folder = logs / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir()  # fails where the folder is there: two runs cannot both make it
                return folder
            except FileExistsError:
                number += 1
    except OSError as error:
        raise RunFolderError(
            f"The log folder {logs} cannot be used: {error.strerror}. Choose another one with --logs FOLDER."
        ) from error


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """See to it that the folder tells the truth, whichever way the block ends.

    Where a check ends the run, `summary.json` says so. Where anything else does, the folder is taken away if no epoch
    was done, and keeps the whole lines of its history if one was.

    Raises:
        RunFolderError: in place of an OSError that comes from the folder: its disk is full, or it is gone.
    """
    try:
        yield
    except (GradientMismatch, NonFiniteCost) as error:
        _write_json(folder / "summary.json", {"status": type(error).__name__, "message": str(error)})
        raise
    except OSError as error:
        writable = _can_be_written(folder)
        removed = _remove_if_empty_handed(folder)
        if writable:
            raise
        what = "The folder was removed." if removed else "It holds the epochs up to there, but no trained network."
        raise RunFolderError(
            f"The run's folder {folder} cannot be written: {error.strerror or error}. {what} "
            "Make room, or choose another place with --logs FOLDER."
        ) from error
    except BaseException as error:
        if not _remove_if_empty_handed(folder):
            _write_json(folder / "summary.json", {"status": type(error).__name__, "message": "no network was saved"})
        raise


def _can_be_written(folder: Path) -> bool:
    """Whether as much as a run writes can be written there now."""
    probe = folder / "probe.part"
    try:
        probe.write_bytes(bytes(2**18))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def write_config(folder: Path, config: dict[str, Any], data_source: str) -> None:
    """Write `config.json`: what is needed to do the run again."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    _write_json(folder / "config.json", {"config": config, "data_source": data_source, "versions": versions})


def write_result(result: Result) -> None:
    """Write `model.keras` and `summary.json`."""
    partial = result.folder / "partial.keras"
    try:
        result.model.save(partial)
        partial.replace(result.folder / "model.keras")
    finally:
        partial.unlink(missing_ok=True)
    check = result.check
    _write_json(
        result.folder / "summary.json",
        {
            "status": result.status,
            "epochs_done": len(result.history.get("loss", [])),
            "steps": result.num_steps,
            "test_accuracy": result.test_accuracy,
            "test_cost": result.test_cost,
            "steps_checked": check.steps_checked,
            "gradients_checked": check.tensors_checked,
            "steps_wrong": check.steps_wrong,
            "steps_rounded": check.steps_rounded,
            "tolerance": check.tolerance,
            "worst_gradient_error": vars(check.worst) if check.worst else None,
        },
    )


def _remove_if_empty_handed(folder: Path) -> bool:
    """Take away the folder of a run that failed before its first epoch was done; else only a half-written line.

    Returns:
        Whether it was taken away.
    """
    history = folder / "history.csv"
    text = history.read_bytes() if history.is_file() else b""
    whole_lines = text[: text.rfind(b"\n") + 1]
    if whole_lines.count(b"\n") < 2:  # the head and one epoch
        shutil.rmtree(folder, ignore_errors=True)
        return True
    if whole_lines != text:
        with history.open("r+b") as file:
            file.truncate(len(whole_lines))
    return False


def _write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    try:
        partial.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


# --- for people -------------------------------------------------------------------------------------------------


def print_head(console: Console, config: Config, batch_size: int, num_samples: int, folder: Path) -> None:
    """What is about to be trained, in three lines."""
    sizes = "-".join(map(str, config.sizes))
    schedule = "" if config.schedule == "constant" else f", {config.schedule} schedule"
    say(
        console,
        f"Network {sizes}, {config.activation}, {config.cost}, {config.num_parameters:,} parameters, {config.dtype}",
    )
    say(
        console,
        f"SGD, learning rate {config.learning_rate:g}{schedule}, batches of {batch_size:,} from {num_samples:,} images",
    )
    say(console, f"Run {folder}\n")


def print_summary(console: Console, result: Result) -> None:
    """How the run ended."""
    check = result.check
    if result.status == "interrupted":
        say(console, f"\nInterrupted in epoch {len(result.history.get('loss', [])) + 1}; saved as it was then.")
    lines = [
        ("", ""),
        ("Test accuracy", f"{result.test_accuracy:.2%} ({result.test_correct:,} of {result.num_test:,} images)"),
        ("Test cost", f"{result.test_cost:.4f}"),
        ("Gradient check", _verdict(check)),
    ]
    if check.steps_checked:
        lines.append(
            ("", f"{check.steps_checked:,} of {result.num_steps:,} steps: {check.tensors_checked:,} gradients,")
        )
        lines.append(("", "and the cost and the update of each step"))
    if check.steps_rounded:
        lines.append(("", f"in {check.steps_rounded:,} steps only with what rounding accounts for"))
    if check.worst:
        lines.append(("Worst error", f"{check.worst.error:.1e}, tolerance {check.tolerance:.0e}"))
        lines.append(("", f"{check.worst.tensor}, {check.worst.where}"))
    lines.append(("Saved in", str(result.folder)))
    lines.append(("TensorBoard", tensorboard_command(result.config.logs)))
    lines.append(("", TENSORBOARD_LINK))
    for label, text in lines:
        say(console, f"{label:<16}{text}".rstrip())


def _verdict(check: GradientCheck) -> str:
    if check.steps_checked == 0:
        return "not done: no gradient of this run was verified"
    return f"FAILED in {check.steps_wrong:,} steps" if check.steps_wrong else "all agree"


def tensorboard_command(logs: Path) -> str:
    """The command that opens TensorBoard on the log folder, with the Python at work."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    command = [str(python), "-m", "tensorboard.main", "--logdir", str(logs)]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


class Output(Console):
    """The standard output. Where its reader went away, that is an error like others; rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the BrokenPipeError."""
        raise  # the error at hand


def say(console: Console, line: str) -> None:
    """Write a line as it is: not wrapped, not coloured, brackets taken for brackets."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
