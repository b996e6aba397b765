"""Writes a run's scalars for TensorBoard: what is learned, and how well the gradients agree."""

import socket
import time
from pathlib import Path

import keras
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from callbacks.gradient_check import GradientCheck
from callbacks.record import GradientRecord

LOWEST_LOG10 = -20.0
"""What stands for the logarithm of an error of zero."""


class EventFile:
    """A file of TensorBoard events, written at once and in order, so that an error is raised where it happens.

    Args:
        folder: made where it is missing; TensorBoard shows it as a run.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        self._writer = RecordWriter((folder / name).open("wb"))
        self._writer.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Write some scalars of one step as one event.

        Args:
            step: where they stand on the horizontal axis.
            values: by tag; a tag's first level is its section in TensorBoard.
        """
        summaries = [value for tag, number in values.items() for value in scalar_pb(tag, number).value]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=summaries))
        self._writer.write(event.SerializeToString())

    def flush(self) -> None:
        """Let a reader see what was written so far."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


class TensorBoardLog(keras.callbacks.Callback):
    """Two runs with the same tags, `train` and `validation`, so that TensorBoard draws both into one chart.

    | tag                          | train                  | validation       |
    | `1 learning/loss`            | mean over each epoch   | after each epoch |
    | `1 learning/accuracy`        | mean over each epoch   | after each epoch |
    | `1 learning/loss of a batch` | at logged steps        |                  |
    | `2 check/log10 err L1 W` ... | at logged steps        |                  |

    Logged are the first ten steps and every `log_every`-th.

    Errors are logged as their logarithm to base 10, since TensorBoard's tables show anything below 1e-4 as 0. Correct
    float32 gradients lie between -8 and -5. Steps are counted over all epochs, from 0; the values of an epoch's end
    stand at the number of steps done.

    `keras.callbacks.TensorBoard` is not used because it knows nothing of gradients, and loses the values of the epochs
    where its `update_freq` is an integer larger than half of an epoch's steps.

    Args:
        folder: of the run.
        check: the gradient check whose errors are logged; it must come before this one in the list of callbacks.
        log_every: steps between two logged ones.
    """

    def __init__(self, folder: Path, check: GradientCheck | None = None, log_every: int = 10) -> None:
        super().__init__()
        self.folder = folder
        self.check = check
        self.log_every = log_every
        self._steps_done = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open both runs."""
        self._train = EventFile(self.folder / "train")
        self._validation = EventFile(self.folder / "validation")

    def on_gradients(self, record: GradientRecord) -> None:
        """Write the logged steps of this record."""
        errors = self._check_errors(record)
        for k in range(len(record)):
            step = record.first_step + k
            if step < 10 or step % self.log_every == 0:
                self._train.scalars(step, {"1 learning/loss of a batch": float(record.costs[k])} | errors.get(step, {}))
        self._steps_done = record.first_step + len(record)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the values that exist once an epoch."""
        logs = logs or {}
        for events, prefix in ((self._train, ""), (self._validation, "val_")):
            values = {f"1 learning/{name}": logs[prefix + name] for name in ("loss", "accuracy")}
            events.scalars(self._steps_done, values)
        self._train.flush()
        self._validation.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close both runs."""
        self._train.close()
        self._validation.close()

    def _check_errors(self, record: GradientRecord) -> dict[int, dict[str, float]]:
        """By step and tag, the logarithm of the gradient errors of this record's checked steps."""
        if self.check is None:
            return {}
        latest = self.check.latest
        tags = [f"2 check/log10 err L{i // 2 + 1} {'Wb'[i % 2]}" for i in range(len(record.names))]
        errors = [latest.gradient_errors.get(name, np.array([])) for name in record.names]
        with np.errstate(divide="ignore"):
            logarithms = [np.maximum(np.log10(e), LOWEST_LOG10) for e in errors]  # (n,) each
        return {
            int(step): {tag: float(values[i]) for tag, values in zip(tags, logarithms, strict=True)}
            for i, step in enumerate(latest.steps)
        }
