"""Ends the training on Ctrl-C between two calls of the compiled step, when nothing is half done."""

import signal
import threading
from types import FrameType
from typing import Any

import keras


class CtrlC(keras.callbacks.Callback):
    """Raises KeyboardInterrupt after the steps at work, not in the middle of them, nor of writing an epoch's results.

    A second Ctrl-C interrupts at once, wherever the program is. Outside of the main thread, where Python takes no
    signals, and where Ctrl-C is ignored, as in a job in the background, nothing changes. Put it last: the callbacks
    before it have then seen the steps.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = False
        self._before: Any = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Take over the signal."""
        self.asked = False
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._on_signal)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End the training where that was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def on_train_end(self, logs: dict | None = None) -> None:
        """Give the signal back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
