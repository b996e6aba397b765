"""Many trainings of `experiments.wrong_training`, in processes of their own, which Ctrl-C ends in order."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any

from experiments.wrong_training import CORRECT, Setup, Trained, possible_mistakes, train_with


class Stopped(Exception):
    """A training was left half-way, since nobody waits for it any more."""


def train_all(names: Sequence[str], setup: Setup, workers: int) -> Generator[Trained, None, None]:
    """Train with each of these mistakes, in processes of their own.

    They have all ended when the generator is done or closed, or raises: each leaves its training after the step at
    hand. None is killed: one that dies while it sends a result leaves this process waiting for the rest of it.

    Args:
        names: of mistakes, or `CORRECT`.
        setup: of them all.
        workers: how many processes; with 1 the work is done in this one.

    Yields:
        What came of each, as it is done: in any order where there are several processes.
    """
    if workers == 1:
        yield from map(partial(_train_by_name, setup=setup), names)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of this process's threads
    stop = context.RawValue("b", 0)  # without a lock: nobody waits for it
    done: SimpleQueue[Future[Trained]] = SimpleQueue()
    executor = ProcessPoolExecutor(min(workers, len(names)), context, _start_worker, (setup, stop))
    try:
        for name in names:
            with _ctrl_c_held_back():  # submitting starts the processes
                executor.submit(_train_by_name, name).add_done_callback(done.put)
        for _ in names:
            yield done.get().result()
    finally:
        with _ctrl_c_held_back():
            stop.value = 1
            executor.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Ctrl-C comes when the block is done, and never to a process that was started in it.

    Such a process inherits that the signal is blocked, which holds from its first moment on.
    """
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C comes to the main thread alone
        yield
        return
    came: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    if sys.platform != "win32":
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, previous)
        if came:
            signal.raise_signal(signal.SIGINT)


_setup_of_worker: list[Setup] = []
_stop_of_worker: list[Any] = []


def _start_worker(setup: Setup, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which stops its workers
    _setup_of_worker.append(setup)
    _stop_of_worker.append(stop)


def _train_by_name(name: str, setup: Setup | None = None) -> Trained:
    mistake = None if name == CORRECT else possible_mistakes()[name]
    return train_with(mistake, setup) if setup else train_with(mistake, _setup_of_worker[0], _leave_if_asked)


def _leave_if_asked() -> None:
    if _stop_of_worker[0].value:
        raise Stopped
