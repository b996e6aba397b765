"""A submission's process, from outside: requests go in under a deadline, frames come out, and its death gets a name."""

from __future__ import annotations

import json
import math
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from grading.confined.frames import Decoder, Frame, FrameError
from grading.sandbox.launch import Child
from grading.sandbox.text import Log
from grading.sandbox.values import Failure, GraderFault, Limits, Verdict

GRACE_SECONDS = 2.0
"""Between a process that closes its line and the news of its death, which is the usual reason."""
END_SECONDS = 10.0
"""Until a killed process is gone. The kernel needs milliseconds."""
DISTURBED, OUT_OF_MEMORY, REFUSED = 120, 121, 99
"""Exit statuses of `runner` and `worker`. A submission can use them too, and gets what they stand for."""
OUT_OF_MEMORY_WORDS = (b"Memory allocation still failed", b"cannot allocate memory for thread-local data")
"""What OpenBLAS and the C library print before they exit without a Python exception."""


@dataclass(frozen=True)
class Death:
    """How a process ended.

    Attributes:
        code: exit status, or minus the signal.
        cpu_seconds: as the kernel counted them; 0 where it was not asked.
    """

    code: int
    cpu_seconds: float


class _OverError(Exception):
    """The exchange cannot go on."""

    def __init__(self, verdict: Verdict, message: str) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.message = message


class Process:
    """The process and what it printed.

    Attributes:
        log: the end of what it printed.
        death: how it ended; None while it lives.
    """

    def __init__(self, child: Child, limits: Limits) -> None:
        self.log = Log()
        self.death: Death | None = None
        self._child = child
        self._limits = limits

    def exchange(self, outgoing: bytes, decoder: Decoder, take: Callable[[Frame], bool]) -> Failure | None:
        """Send, and hand incoming frames to `take` until it says that this was the last one.

        Args:
            outgoing: the request.
            decoder: knows which frames may come.
            take: reads a frame; raises FrameError where it makes no sense.

        Returns:
            None, or why the process cannot be used any more. It still has to be ended.

        Raises:
            GraderFault: where the process is gone and nobody knows how.
        """
        try:
            _Exchange(self, outgoing, decoder, take).run()
        except _OverError as over:
            return Failure(over.verdict, over.message, printed=self.log.text())
        return None

    def end(self) -> None:
        """Kill the process if it lives, wait until it is gone, and let go of it.

        Raises:
            GraderFault: where that cannot be seen.
        """
        try:
            if self.death is None:
                self._child.kill()
                with selectors.DefaultSelector() as selector:
                    selector.register(self._child.status, selectors.EVENT_READ)
                    ready = selector.select(END_SECONDS)
                if not ready:
                    raise GraderFault("a submission's process does not die")
                self.read_death()
        finally:
            self._child.close()

    def read_death(self) -> None:
        """Take the news of the process's end.

        Raises:
            GraderFault: where there is none: whoever would have told has died itself.
        """
        try:
            news = json.loads(self._child.status.recv(4096))
            self.death = Death(int(news["code"]), float(news["cpu_seconds"]))
        except (OSError, ValueError) as error:
            raise GraderFault("the process that starts submissions has died") from error

    def read_log(self) -> bool:
        """Take what was printed. Returns whether there may be more to come.

        Raises:
            _OverError: where it is more than may be.
        """
        try:
            data = self._child.log.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self.log.add(data)
        if self.log.total > self._limits.output_bytes:
            raise _OverError(Verdict.OUTPUT, f"it printed more than {_size(self._limits.output_bytes)}")
        return bool(data)

    def over(self, death: Death) -> _OverError:
        """What a death means."""
        limits, code = self._limits, death.code
        used_up = death.cpu_seconds >= max(1, math.ceil(limits.cpu_seconds))  # as `confine.limit_resources` rounds
        if code == -_number("SIGXCPU") or (code == -_number("SIGKILL") and used_up):
            return _OverError(Verdict.CPU, f"it used more than {limits.cpu_seconds:g} s of CPU time")
        no_memory = any(self.log.contains(words) for words in OUT_OF_MEMORY_WORDS)
        if code in (OUT_OF_MEMORY, -_number("SIGKILL")) or (code > 0 and no_memory):
            return _OverError(Verdict.MEMORY, f"it needed more memory than {_size(limits.memory_bytes)}")
        if code == -_number("SIGSYS"):
            return _OverError(Verdict.CRASH, "it made a system call of another architecture (SIGSYS)")
        if code < 0:
            return _OverError(Verdict.CRASH, f"its process died of {_signal_name(-code)}")
        if code == DISTURBED:
            return _OverError(Verdict.PROTOCOL, "it disturbed the code that runs it in its process")
        return _OverError(Verdict.EXIT, f"it ended its process, with exit status {code}")


class _Exchange:
    """One request and its answers."""

    def __init__(self, process: Process, outgoing: bytes, decoder: Decoder, take: Callable[[Frame], bool]) -> None:
        self.process = process
        self.child = process._child
        self.limits = process._limits
        self.outgoing = memoryview(outgoing)
        self.decoder = decoder
        self.take = take
        self.done = False
        self.hung_up = False
        self.deadline = time.monotonic() + self.limits.wall_seconds

    def run(self) -> None:
        """Until it is done, or raise _OverError."""
        if self.process.death is not None:
            raise self.process.over(self.process.death)
        with selectors.DefaultSelector() as selector:
            self.selector = selector
            selector.register(self.child.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self.on_channel)
            selector.register(self.child.log, selectors.EVENT_READ, self.on_log)
            selector.register(self.child.status, selectors.EVENT_READ, self.on_status)
            while not self.done:
                self.step()
        while self.process.read_log():  # printed before the last answer, so it is here
            pass
        if not self.hung_up:
            self.receive()
        if self.decoder.pending:
            raise _OverError(Verdict.PROTOCOL, "it sent more than was asked for")

    def step(self) -> None:
        """Wait for something, and see to it."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            if self.hung_up:
                raise _OverError(Verdict.PROTOCOL, "it closed its line to the grader")
            raise _OverError(Verdict.TIMEOUT, f"it took longer than {self.limits.wall_seconds:g} s")
        for key, events in self.selector.select(remaining):
            key.data(events)

    def on_channel(self, events: int) -> None:
        """Send what fits, take what came."""
        if events & selectors.EVENT_WRITE:
            self.send()
        if events & selectors.EVENT_READ:
            self.receive()
            if self.hung_up:
                self.selector.unregister(self.child.channel)
                self.deadline = min(self.deadline, time.monotonic() + GRACE_SECONDS)

    def send(self) -> None:
        """Send a piece; once all is sent, or nobody listens, only listen."""
        try:
            self.outgoing = self.outgoing[self.child.channel.send(self.outgoing[: 1 << 18]) :]
        except BlockingIOError:
            return
        except OSError:
            self.outgoing = self.outgoing[:0]
        if not self.outgoing:
            self.selector.modify(self.child.channel, selectors.EVENT_READ, self.on_channel)

    def receive(self) -> bool:
        """Take a piece, and the frames that it completes. Returns whether there may be more."""
        try:
            data = self.child.channel.recv(1 << 18)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.hung_up = True
            return False
        self.decoder.feed(data)
        try:
            while not self.done and (frame := self.decoder.next()) is not None:
                self.done = self.take(frame)
        except FrameError as error:
            raise _OverError(Verdict.PROTOCOL, f"it sent what is no answer: {error}") from error
        return True

    def on_log(self, _: int) -> None:
        """Take what was printed; a closed log only means that nothing more will be."""
        if not self.process.read_log():
            self.selector.unregister(self.child.log)

    def on_status(self, _: int) -> None:
        """The process is dead: what it said before still counts."""
        self.process.read_death()
        while not self.hung_up and self.receive():
            pass
        while self.process.read_log():
            pass
        if not self.done and self.process.death is not None:
            raise self.process.over(self.process.death)


def _number(name: str) -> int:
    return int(getattr(signal, name, 1000))  # Windows lacks most of them


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(number: int) -> str:
    return f"{number / (1 << 20):g} MiB"
