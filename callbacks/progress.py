"""Shows a training run in the terminal: a bar for the epoch at work, a line for each epoch done."""

import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

HEADER = "          ---- training ----   --- validation ---    worst gradient"
COLUMNS = "  epoch       cost  accuracy       cost  accuracy    error so far   seconds"


class ProgressTable(keras.callbacks.Callback):
    """A bar while an epoch runs and a line of a table when it is done; only the lines where nobody watches a terminal.

    The line holds cost and accuracy in training (the mean over the epoch, while the network changed) and in validation
    (at its end), and the worst gradient error of the run so far, where a callback before this one provides it.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._bar: Progress | None = None
        self._epoch_began = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Write the head of the table."""
        self._print(HEADER)
        self._print(COLUMNS)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the epoch's bar."""
        self._epoch_began = time.perf_counter()
        self._bar = Progress(
            TextColumn(f"{epoch + 1:3d}/{self.params['epochs']:<3d}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar.add_task("epoch", total=self.params["steps"], status="")
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar to the step just done."""
        if self._bar is not None and logs:
            status = f"cost {logs['loss']:.4f}  accuracy {logs['accuracy']:.2%}"
            self._bar.update(self._bar.task_ids[0], completed=batch + 1, status=status)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replace the bar by the epoch's line."""
        self._stop_bar()
        logs = logs or {}
        error = f"{logs['gradient_error']:.1e}" if "gradient_error" in logs else "not checked"
        error = "rounding only" if error == "nan" else error
        seconds = time.perf_counter() - self._epoch_began
        self._print(
            f"{epoch + 1:3d}/{self.params['epochs']:<3d} {logs['loss']:10.4f} {logs['accuracy']:9.2%} "
            f"{logs['val_loss']:10.4f} {logs['val_accuracy']:9.2%} {error:>15} {seconds:9.2f}"
        )

    def on_train_end(self, logs: dict | None = None) -> None:
        """Take away a bar that was cut off."""
        self._stop_bar()

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
