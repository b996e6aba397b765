"""Lets callbacks look at the gradients of some steps while the next steps are trained."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import keras

from callbacks.record import GradientRecord


class InBackground(keras.callbacks.Callback):
    """Calls the `on_gradients` of other callbacks in a thread of its own, so that the training need not wait for them.

    They are called one after the other, in their order, for one record at a time. All is done before the next record
    comes, before an epoch begins or ends, and before the training ends. What one of them raises thus ends the training
    as it would without this class, but one record later.

    It is for callbacks that need nothing but the record: the model has moved on meanwhile. Of Keras's hooks they are
    told the beginning and the end of training and epochs, in the training's own thread.

    Args:
        callbacks: in the order of their calls.

    Example:
        check = GradientCheck(...)
        fit(..., callbacks=[InBackground([FiniteCost(), check])])
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        super().__init__()
        self.callbacks = list(callbacks)
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._at_work: Future | None = None

    def on_gradients(self, record: GradientRecord) -> None:
        """Hand on the record, once the one before is done with."""
        self.wait()
        self._at_work = self._thread.submit(self._show, record)

    def wait(self) -> None:
        """Wait for the record at work.

        After a training that something else ended, call it to learn of the last record. It raises what a callback
        raised.
        """
        at_work, self._at_work = self._at_work, None
        if at_work is not None:
            at_work.result()

    def set_params(self, params: dict | None) -> None:
        """Hand on what Keras tells about the training."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: keras.Model) -> None:
        """Hand on the model."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Tell all."""
        self._thread, self._at_work = ThreadPoolExecutor(max_workers=1), None
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Tell all."""
        self.wait()
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Tell all, once they have seen the epoch's last record. What they add to the logs, later callbacks see."""
        self.wait()
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Tell all. An error that is still to be raised waits for `wait`: others must learn of the end, too."""
        if self._at_work is not None:
            wait([self._at_work])
        self._thread.shutdown()
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def _show(self, record: GradientRecord) -> None:
        for callback in self.callbacks:
            callback.on_gradients(record)
