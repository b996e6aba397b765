"""The sandbox for student submissions: bytes go in, numbers or a verdict come out.

    with Sandbox() as sandbox:
        with sandbox.session(Source.read("alice.py"), {"numpy", "math"}, Limits()) as session:
            [answer] = session.call(Function("backward"), [(W, b, x, y)])

This is the trusted side. It starts processes (`launch`), which confine themselves (`confine`) and run
submissions (`runner`); it sends calls and reads frames (`frames`), keeps the time, and sees how processes die. It never
parses, unpickles or imports anything of a submission, and nothing that comes back can raise more than a `FrameError`.

A submission has one process, for all its calls: its CPU time adds up over them. A forged answer is no more than a wrong
answer, since the grader compares it with what the submission's process has never seen.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from grading.confined import confine
from grading.confined.frames import Other, Value
from grading.sandbox.launch import Child, ForkServer, FreshInterpreters, Launcher
from grading.sandbox.session import Session
from grading.sandbox.values import (
    NO_STAND_INS,
    Failure,
    Function,
    GraderFault,
    Limits,
    Returned,
    SandboxUnavailable,
    Source,
    SourceError,
    StandIns,
    Verdict,
)

__all__ = [
    "NO_STAND_INS",
    "Failure",
    "Function",
    "GraderFault",
    "Limits",
    "Other",
    "Returned",
    "Sandbox",
    "SandboxUnavailable",
    "Session",
    "Source",
    "SourceError",
    "StandIns",
    "Value",
    "Verdict",
]  # fmt: skip

SLOTS = 256
LAZY = ("testing", "polynomial", "ma", "rec", "char", "strings", "matlib", "ctypeslib", "typing", "exceptions")
"""Parts of NumPy that it imports when they are first used, which is too late in a submission's process."""
DEFAULT_LIMITS = Limits()

ATTACKS = {
    "read_file": "reading files",
    "write_file": "writing files",
    "open_socket": "network connections",
    "fork": "starting processes",
    "kill_parent": "signals to the grader",
}
SELF_TEST = b"""
import os
import socket
import numpy


def double(x):
    return float(numpy.linalg.det(numpy.eye(2)) * x + x)


def read_file():
    return os.open("/etc/passwd", os.O_RDONLY)


def write_file():
    return os.open(os.devnull, os.O_WRONLY)


def open_socket():
    return socket.socket().fileno()


def fork():
    if os.fork() == 0:
        os._exit(0)


def kill_parent():
    os.kill(os.getppid(), 0)
"""


class Sandbox:
    """Where submissions run; many sessions may be open at a time, from several threads.

    Args:
        unsafe: go on where a layer of protection is missing. The layers that work are used all the same.

    Attributes:
        layers: name of each layer, and whether it is active; empty before the sandbox is entered.

    Raises:
        SandboxUnavailable: on entering, where protection is missing and `unsafe` is not set.
    """

    def __init__(self, unsafe: bool = False, _fresh: bool = sys.platform != "linux") -> None:
        self.unsafe = unsafe
        self.layers: Mapping[str, bool] = {}
        self._fresh = _fresh
        self._launcher: Launcher | None = None
        self._lock = threading.Lock()  # for the slots
        self._free_slots = list(reversed(range(SLOTS)))

    def __enter__(self) -> Self:
        if self._fresh and not self.unsafe:
            raise SandboxUnavailable(_unavailable(["fork-server"]))
        self._launcher = FreshInterpreters() if self._fresh else ForkServer()
        _not_dumpable(+1)
        try:
            self.layers = self._probe()
            self._check_layers()
            self.self_test()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that still runs."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None
            _not_dumpable(-1)

    def session(
        self,
        source: Source,
        allowed_imports: Iterable[str] = ("numpy",),
        limits: Limits = DEFAULT_LIMITS,
        stand_ins: StandIns = NO_STAND_INS,
    ) -> Session:
        """Load a submission into a process of its own.

        Args:
            source: the submission.
            allowed_imports: top-level modules it may import; dotted names among them are loaded beforehand, which
                matters where the submission's user cannot read the Python installation.
            limits: what it may use.
            stand_ins: what takes the place of some of its functions.

        Returns:
            A session; where loading failed, with `failure` set.

        Raises:
            GraderFault: where the sandbox itself fails.
        """
        allowed = frozenset(allowed_imports)
        # what NumPy loads when it is first asked for is loaded where NumPy's folder can be read for sure
        allowed |= {f"numpy.{part}" for part in LAZY if part.encode() in source.data}
        if b"import *" in source.data:
            allowed |= {"numpy.*"}
        return Session(self, source, allowed, limits, self._required(), stand_ins)

    def self_test(self) -> None:
        """Run a correct function, and attacks that must fail, through the real thing.

        Raises:
            SandboxUnavailable: where an attack succeeds and `unsafe` is not set.
            GraderFault: where not even the correct function works.
        """
        with self.session(Source("self_test.py", SELF_TEST), ("numpy", "os", "socket")) as session:
            [good] = session.call(Function("double"), [(3.0,)])
            if not isinstance(good, Returned) or good.value != 6.0:
                raise GraderFault(f"the sandbox does not work here: {good}")
            attacks = [session.call(Function(name), [()])[0] for name in ATTACKS]
        through = [ATTACKS[name] for name, attack in zip(ATTACKS, attacks, strict=True) if isinstance(attack, Returned)]
        if through and not self.unsafe:
            raise SandboxUnavailable(_unavailable([f"protection against {attack}" for attack in through]))

    def _probe(self) -> Mapping[str, bool]:
        with Session(self, Source("probe.py", b""), frozenset(), Limits(), ()) as session:
            if session.failure:
                raise GraderFault(f"the sandbox does not start: {session.failure.message} {session.failure.printed}")
            return {"fork-server": not self._fresh, **session.layers}

    def _check_layers(self) -> None:
        wanted = set(self.layers) - (set() if confine.is_root() else {"own user"})
        missing = [name for name, active in self.layers.items() if name in wanted and not active]
        if missing and not self.unsafe:
            raise SandboxUnavailable(_unavailable(missing))

    def _required(self) -> tuple[str, ...]:
        return tuple(name for name, active in self.layers.items() if active and name != "fork-server")

    def _take_slot(self) -> int:
        with self._lock:
            if not self._free_slots:
                raise GraderFault(f"more than {SLOTS} sessions are open at a time")
            return self._free_slots.pop()

    def _give_slot_back(self, slot: int) -> None:
        with self._lock:
            self._free_slots.append(slot)

    def _launch(self, order: Mapping[str, Any]) -> Child:
        if self._launcher is None:
            raise GraderFault("the sandbox is not open: use it in a `with` statement")
        try:
            return self._launcher.launch(order)
        except OSError as error:
            raise GraderFault(f"no process could be started for a submission: {error}") from error


def _unavailable(missing: list[str]) -> str:
    return (
        f"submissions cannot be run safely here; missing: {', '.join(missing)}. Run the grader on Linux 5.13 or newer, "
        "in WSL or in a container on other systems. For submissions that you trust like your own code, say --unsafe."
    )


_dumpable_lock = threading.Lock()
_dumpable: list[int] = []  # what to go back to, once for each open sandbox


def _not_dumpable(step: int) -> None:
    """Close this process's memory to others of its user while a sandbox is open.

    Where the grader is not root, submissions run under its own user id. An undumpable process cannot be traced or read
    through /proc by them, should they ever get so far as to try. It is a property of the whole process, so sandboxes
    that are open at the same time share it.
    """
    with _dumpable_lock:
        if step > 0:
            _dumpable.append(confine.prctl(confine.PR_GET_DUMPABLE))
            confine.prctl(confine.PR_SET_DUMPABLE, 0)
        elif (before := _dumpable.pop()) == 1 and not _dumpable:
            confine.prctl(confine.PR_SET_DUMPABLE, before)
