"""Writes down for TensorBoard what there is to see of a training: curves, histograms, pictures, gradients, texts."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras
import numpy as np
from backprop_check.format import about_summary, step_summary

from backprop.functions import Array
from backprop.network import forward
from callbacks import kept_steps, pictures, step_values
from callbacks.cadence import Cadence
from callbacks.epoch_summary import GradientReport, pictures_of_mistakes, pictures_of_the_network
from callbacks.event_file import EventFile, scalar, text
from callbacks.gradient_check import CheckedSteps, GradientCheck
from callbacks.projector import write_embeddings
from callbacks.record import GradientRecord, as_slice
from callbacks.run_description import hparams_end, hparams_start, in_words, op_graph, table, write_layout_once

NUM_POINTS = 1_000
"""Of the projector: as many of the validation samples."""


class TensorBoardLog(keras.callbacks.Callback):
    """Logs a training under `folder`, as several runs, so that TensorBoard draws what belongs together into one chart.

    | tag                                      | run               | when                                          |
    | `1 learning/loss`, `1 learning/accuracy` | train, validation | at the end of each epoch; train: mean over it |
    | `1 learning/batch loss`                  | train             | at logged steps                               |
    | `2 check/log10 err L1 W` ...             | train             | at logged steps that were checked             |
    | `3 gradients/L1 W norm` ...              | train, numpy      | at logged steps: of tape and manual module    |
    | `4 weights/L1 W norm` ...                | train             | at logged steps, of kernels                   |
    | `4 weights/log10 upd ratio L1` ...       | train             | at logged steps, ||update|| / ||kernel||      |
    | `5 units/L1 inactive` ...                | train             | at logged steps, the share of hidden units    |
    | `weights/`, `gradients/`, `activations/` | train             | histograms, at every tenth logged step        |
    | `hidden_1 kernel`, `network ...`, ...    | train             | pictures, at the end of at most 5 epochs      |
    | `confusion matrix`, `worst ...`          | validation        | pictures, likewise                            |
    | `gradient report`                        | train             | a text, at the end of each epoch              |
    | `configuration`                          | train             | a text                                        |

    Logged are the first ten steps and every `log_every`-th; in a long run every second or third of these, and so on, so
    that a curve has some hundred points, more than a chart is wide. Of at most 64 steps the gradients are kept, with
    the factors of their chain rule, for the tab "Backprop check"; and of the first step that is found wrong. A graph of
    operations, hyperparameters, and the hidden activations for the projector complete it. L1 W is the first layer's
    kernel, L1 b its bias.

    Errors are logged as their logarithm to base 10, since TensorBoard's tables show anything below 1e-4 as 0. Steps are
    counted over all epochs, from 0; the values of an epoch's end stand at the number of steps done.

    `keras.callbacks.TensorBoard` is not used because it knows nothing of gradients, and loses the values of the epochs
    where its `update_freq` is an integer larger than half of an epoch's steps.

    It needs nothing but the records, and can follow the check in `InBackground`.

    Args:
        folder: of the run. The layout of the Custom Scalars tab goes into the folder above it, once.
        check: the gradient check of the training, which must see each record before. One that checks no steps serves,
            too: it describes the network and has the data.
        validation: `(x, y)` of the validation set, for pictures and projector; without it there are none of these.
        image_shape: rows and columns, where the inputs are pictures with values in [0, 1].
        settings: of the run, for a text.
        hyperparameters: of the run, for the HParams tab.
        log_every: steps between two logged ones, at least.

    Raises:
        OSError: where a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        check: GradientCheck,
        *,
        validation: tuple[Array, Array] | None = None,
        image_shape: tuple[int, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        log_every: int = 10,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.check = check
        self.validation = validation
        self.image_shape = image_shape
        self.settings = settings or {}
        self.hyperparameters = hyperparameters or {}
        self.log_every = log_every

    # --- the beginning and the end ------------------------------------------------------------------------------

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open the runs, and write what is known before the first step."""
        self._last_record: GradientRecord | None = None
        self._pictured_after = 0
        self._seen_wrong = False
        self._iterations_before = int(self.model.optimizer.iterations)
        write_layout_once(self.folder.parent)
        self._files = [EventFile(self.folder / name) for name in ("", "train", "validation", "numpy")]
        self._run, self._train, self._validation, self._numpy = self._files
        rows = [(name, in_words(value)) for name, value in self.settings.items()]
        self._run.write(0, hparams_start(self.folder.name, self.hyperparameters))
        self._train.write(0, [text("configuration", table(("setting", "value"), rows))])
        self._train.write_graph(op_graph(self.model, self.check.x.shape[1], self.check.y.shape[1]))
        self._flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Write what is shown of the end, and close all."""
        with ExitStack() as at_last:
            for events in self._files:
                at_last.callback(events.close)
            record = self._last_record
            if record is not None:
                if not _ends_epoch(record):
                    self._write_report(record)
                if record.first_step + len(record) > self._pictured_after:
                    self._write_pictures(record)
                if self.validation is not None:
                    self._write_projector(record)
            self._run.write(0, hparams_end(success=self.check.steps_wrong == 0))

    def _begin(self, record: GradientRecord) -> None:
        """What the first record tells."""
        num_parameters = sum(parameter[0].size for parameter in record.parameters)
        self._cadence = Cadence.of_run(
            num_steps=self.params["epochs"] * record.num_steps_per_epoch,
            num_epochs=self.params["epochs"],
            every=self.log_every,
            check_every=self.check.check_every,
            bytes_of_step=kept_steps.bytes_of_step(self.check, num_parameters, record.indices.shape[1]),
        )
        self._report = GradientReport(record.names, self.check.tolerance)
        self._about = kept_steps.describe(self.check, record, self.image_shape)
        if self._cadence.kept:
            self._train.write(0, about_summary(self._about).value)

    def _flush(self) -> None:
        for events in self._files:
            events.flush()

    # --- steps --------------------------------------------------------------------------------------------------

    def on_gradients(self, record: GradientRecord) -> None:
        """Write the logged steps of this record; and where it ends an epoch, what is shown of the epoch."""
        if self._last_record is None:
            self._begin(record)
        self._last_record = record
        self._report.add(record)
        with np.errstate(all="ignore"):  # what is not finite is logged as that
            self._write_steps(record)
        if _ends_epoch(record):
            self._write_report(record)
            if record.epoch in self._cadence.pictured_epochs:
                self._write_pictures(record)
        self._flush()

    def _write_steps(self, record: GradientRecord) -> None:
        """One event for each logged step, in each run that has something to tell of it."""
        k = np.arange(len(record))
        logged = k[self._cadence.logged(record.first_step + k)]
        checked = CheckedSteps.of(record)
        kept = [int(i) for i in checked.indices if record.first_step + i in self._cadence.kept]
        if (wrong := self._first_wrong_step(checked)) is not None:
            logged, kept = np.union1d(logged, wrong), sorted({*kept, wrong})
        if len(logged) == 0:
            return
        steps = record.first_step + logged
        chosen = as_slice(logged)
        W, b = ([parameter[chosen] for parameter in record.parameters[i::2]] for i in (0, 1))
        z, a = forward(self.check.network, W, b, self.check.x[record.indices[chosen]])
        errors, manual_norms = step_values.check_scalars(record, logged)

        train, numpy = step_values.Events(len(logged)), step_values.Events(len(logged))
        train.add_scalars(step_values.train_scalars(self.check.network, record, logged, z) + errors)
        train.add_histograms(step_values.train_histograms(record, logged, a), self._cadence.with_histograms(steps))
        for i in kept:
            step = kept_steps.keep(self.check, record, i)
            train.add(int(np.searchsorted(logged, i)), step_summary(self._about, step).value)
        numpy.add_scalars(manual_norms)
        train.write(self._train, steps)
        numpy.write(self._numpy, steps)

    def _first_wrong_step(self, checked: CheckedSteps) -> int | None:
        """Index of the run's first wrong step, where it is in this record."""
        wrong = checked.indices[~(checked.errors <= self.check.tolerance).all(axis=0)]
        if self._seen_wrong or len(wrong) == 0 or not self._cadence.kept:
            return None
        self._seen_wrong = True
        return int(wrong[0])

    # --- epochs -------------------------------------------------------------------------------------------------

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write loss and accuracy."""
        steps_done = int(self.model.optimizer.iterations) - self._iterations_before
        for events, prefix in ((self._train, ""), (self._validation, "val_")):
            values = {name: (logs or {}).get(f"{prefix}{name}") for name in ("loss", "accuracy")}
            events.write(steps_done, [scalar(f"1 learning/{name}", v) for name, v in values.items() if v is not None])
            events.flush()

    def _write_report(self, record: GradientRecord) -> None:
        """Of the epoch up to the end of the record."""
        self._train.write(record.first_step + len(record), [text("gradient report", self._report.finish())])

    def _write_pictures(self, record: GradientRecord) -> None:
        """Of the network as it is after the record."""
        self._pictured_after = record.first_step + len(record)
        self._train.write(self._pictured_after, pictures_of_the_network(record, self.image_shape))
        if self.validation is not None:
            x, y = self.validation
            outputs = self._activations(record, x)[-1]
            mistakes = pictures_of_mistakes(self.check.network, x, outputs, y, self.image_shape)
            self._validation.write(self._pictured_after, mistakes)

    def _write_projector(self, record: GradientRecord) -> None:
        """The hidden layers' activations, as the network is after the record."""
        x, y = (array[:NUM_POINTS] for array in self.validation)
        *hidden, outputs = self._activations(record, x)[1:]
        if not hidden:
            return
        sprite = pictures.png(pictures.sprite(x.reshape(-1, *self.image_shape))) if self.image_shape else None
        write_embeddings(
            self.folder / "projector",
            step=record.first_step + len(record),
            embeddings=dict(zip(self._about.layers, hidden, strict=False)),
            columns={"class": y.argmax(axis=1), "predicted": outputs.argmax(axis=1)},
            sprite=sprite,
            image_shape=self.image_shape,
        )

    def _activations(self, record: GradientRecord, x: Array) -> list[Array]:
        """Of all layers for the inputs x, (N, inputs), which come first; with the parameters after the record."""
        with np.errstate(all="ignore"):
            _, a = forward(self.check.network, record.final_parameters[0::2], record.final_parameters[1::2], x)
        return a


def _ends_epoch(record: GradientRecord) -> bool:
    return record.first_step + len(record) == (record.epoch + 1) * record.num_steps_per_epoch
