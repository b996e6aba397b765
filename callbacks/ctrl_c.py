"""Ends the training on Ctrl-C between two calls of the compiled step, when nothing is half done."""

import signal
import threading
from types import FrameType
from typing import Any

import keras


class CtrlC(keras.callbacks.Callback):
    """Raises KeyboardInterrupt after the steps at work: not in the middle of them, nor while results are written.

    A context manager for the time that should be shielded, and a callback for the training within it. After the
    training, the first Ctrl-C changes nothing. A second one interrupts as soon as Python is back at work, and `twice`
    then says that saving is not wanted either. Nothing changes outside of the main thread, where Python takes no
    signals, and where Ctrl-C is ignored, as in a job in the background.

    Put it last among the callbacks: those before it have then seen the steps.

    Example:
        with CtrlC() as ctrl_c:
            fit(..., callbacks=[..., ctrl_c])
            save()
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = False
        self.twice = False
        self._before: Any = None

    def __enter__(self) -> "CtrlC":
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End the training where that was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.twice = True
            raise KeyboardInterrupt
        self.asked = True
