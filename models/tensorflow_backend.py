"""Import this before Keras or TensorFlow: it loads both, quickly and without TensorFlow's start-up messages.

TensorFlow's libraries write a dozen lines about processors and GPU drivers straight to the error stream, before any
setting is read. They are held back while it loads, and shown after all where loading fails. Keras is told to run on
TensorFlow, whatever the user's own Keras configuration says: the project's tape is TensorFlow's.
"""

import ctypes
import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


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


@contextmanager
def _objects_that_stay() -> Iterator[None]:
    """Spare Python's garbage collector the half million objects that the block makes and that are never garbage.

    It would walk through them again and again while they are made, and with each full collection afterwards.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def _keep_freed_memory() -> None:
    """Have the C library keep the memory of freed arrays for the next ones.

    By its own rules it may return an array's pages to the system at once, and take and clear others for the next
    array of the same size: with the check's intermediate results that can double its time. Other systems than Linux
    with glibc have other allocators, and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(-3, 32 * 2**20)  # M_MMAP_THRESHOLD: arrays up to this size are taken from the kept memory
        mallopt(-1, 256 * 2**20)  # M_TRIM_THRESHOLD: so much may be kept


os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # from here on errors that Python raises anyway; 0 shows all

_keep_freed_memory()
with _held_back_error_stream(), _ctrl_c_ends_the_process(), _objects_that_stay():
    import keras  # noqa: F401
    import tensorflow


def leave_one_processor() -> None:
    """Have TensorFlow use all processors but one, on which callbacks can then work beside the training.

    Without effect where TensorFlow has already computed something in this process: it cannot change that any more.
    """
    with suppress(RuntimeError):
        tensorflow.config.threading.set_intra_op_parallelism_threads(max(1, (os.cpu_count() or 1) - 1))
