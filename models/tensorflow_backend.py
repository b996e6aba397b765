"""Import this before Keras or TensorFlow: it loads both, without TensorFlow's start-up messages.

TensorFlow's libraries write a dozen lines about processors and GPU drivers straight to the error stream, before any
setting is read. They are held back while it loads, and shown after all where loading fails. Keras is told to run on
TensorFlow, whatever the user's own Keras configuration says: the project's tape is TensorFlow's.
"""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _held_back_error_stream() -> Iterator[None]:
    """Hold back what C++ code writes to file descriptor 2; write it out after all where the block raises."""
    try:
        descriptor = os.dup(2)
    except OSError:  # the error stream is closed: nothing can be written, nothing need be held back
        yield
        return
    with tempfile.TemporaryFile() as held_back:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(descriptor, 2)
            held_back.seek(0)
            os.write(2, held_back.read())
            raise
        finally:
            os.dup2(descriptor, 2)
            os.close(descriptor)


@contextmanager
def _ctrl_c_ends_the_process() -> Iterator[None]:
    """Ctrl-C in the seconds of loading ends the process (status 130 in a shell), without pages of traceback."""
    takes_signals = threading.current_thread() is threading.main_thread()
    if not takes_signals or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # from here on errors that Python raises anyway; 0 shows all

with _held_back_error_stream(), _ctrl_c_ends_the_process():
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
