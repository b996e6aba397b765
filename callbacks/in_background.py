"""Lets callbacks look at the gradients of some steps while the next steps are trained."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import keras
from threadpoolctl import threadpool_limits

from callbacks.record import GradientRecord


class InBackground(keras.callbacks.Callback):
    """Calls the `on_gradients` of other callbacks in threads of its own, so that the training need not wait for them.

    `callbacks` are called one after the other, in their order, for one record at a time. All is done before the next
    record comes, before an epoch begins or ends, and before the training ends. What one of them raises thus ends the
    training as it would without this class, but one record later.

    `then` are called with a record once those are through with it, also where one of them raised: they can show what
    was found. They have a second thread, and time until the record after the next comes, or the training ends.

    All of them must need nothing but the record: the model has moved on meanwhile. Of Keras's hooks they are told the
    beginning and the end of training and epochs, in the training's own thread. At the end of an epoch `then` may still
    be at work on its last record.

    While the training goes on, NumPy's BLAS has one thread. More would wait for each other on processors that are busy.

    Args:
        callbacks: in the order of their calls.
        then: more of them, in the order of their calls.

    Example:
        check = GradientCheck(...)
        fit(..., callbacks=[InBackground([FiniteCost(), check], then=[TensorBoardLog(folder, check)])])
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], then: Sequence[keras.callbacks.Callback] = ()
    ) -> None:
        super().__init__()
        self.callbacks = list(callbacks)
        self.then = list(then)
        self._start()

    def _start(self) -> None:
        self._first_thread, self._second_thread = ThreadPoolExecutor(max_workers=1), ThreadPoolExecutor(max_workers=1)
        self._at_work: list[Future] = []  # in the order in which it ends; last, what `then` does with the last record

    def on_gradients(self, record: GradientRecord) -> None:
        """Hand on the record, once the one before is done with."""
        self._wait_but_for_the_last()
        first = self._first_thread.submit(_show, self.callbacks, record)
        self._at_work += [first, self._second_thread.submit(_show, self.then, record, after=first)]

    def wait(self) -> None:
        """Wait for all that is at work.

        After a training that something else ended, call it to learn of the last record. It raises what a callback
        raised.
        """
        self._wait_but_for_the_last()
        self._wait_for(self._at_work)

    def _wait_but_for_the_last(self) -> None:
        self._wait_for(self._at_work[:-1])

    def _wait_for(self, work: list[Future]) -> None:
        """Wait for what stands first in `_at_work`, and raise what was raised there, once."""
        self._at_work = self._at_work[len(work) :]
        for piece in work:
            piece.result()

    def set_params(self, params: dict | None) -> None:
        """Hand on what Keras tells about the training."""
        super().set_params(params)
        for callback in (*self.callbacks, *self.then):
            callback.set_params(params)

    def set_model(self, model: keras.Model) -> None:
        """Hand on the model."""
        super().set_model(model)
        for callback in (*self.callbacks, *self.then):
            callback.set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Tell all."""
        self._start()
        self._blas_limit = threadpool_limits(limits=1, user_api="blas")
        for callback in (*self.callbacks, *self.then):
            callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Tell all."""
        self._wait_but_for_the_last()
        for callback in (*self.callbacks, *self.then):
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Tell all, once `callbacks` have seen the epoch's last record. What they add to the logs, later ones see."""
        self._wait_but_for_the_last()
        for callback in (*self.callbacks, *self.then):
            callback.on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Tell all. An error that is still to be raised waits for `wait`: others must learn of the end, too."""
        self._first_thread.shutdown()
        self._second_thread.shutdown()
        try:
            for callback in (*self.callbacks, *self.then):
                callback.on_train_end(logs)
        finally:
            self._blas_limit.restore_original_limits()


def _show(callbacks: list[keras.callbacks.Callback], record: GradientRecord, after: Future | None = None) -> None:
    if after is not None:
        wait([after])
    for callback in callbacks:
        callback.on_gradients(record)
