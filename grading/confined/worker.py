"""The process that all submissions' processes are forked from; it starts Python and NumPy once, for all of them.

Started by `grading.sandbox.launch` as `python -I -S -B worker.py`, with no third-party package on its path but NumPy,
and no environment. It holds nothing worth stealing: no answers, no bytes of any submission. For each order that comes
over its control socket it forks a child, which `runner` confines; it tells how the child died, and kills it when asked
to, or when nobody is left to ask. When the grader goes away, it goes, and its children with it.

Where forking is not to be had, the same file runs a single submission in its own process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

PRELOADED = (
    "numpy.random", "numpy.linalg", "numpy.fft", "numpy.polynomial", "numpy.ma", "numpy.strings", "numpy.rec",
    "numpy.typing", "collections.abc", "unicodedata", "linecache", "difflib", "random", "encodings.idna",
    # in which source files are written
    "encodings.ascii", "encodings.latin_1", "encodings.utf_8_sig", "encodings.utf_16", "encodings.utf_32",
    "encodings.cp1250", "encodings.cp1251", "encodings.cp1252", "encodings.cp437", "encodings.cp850", "encodings.gbk",
    "encodings.iso8859_2", "encodings.iso8859_15", "encodings.mac_roman", "encodings.shift_jis",
)  # fmt: skip
"""Cannot be imported when they are first needed: then no file can be opened."""
CHANNEL = 3
"""The descriptor of a child's line to the grader."""


def main(arguments: list[str]) -> None:
    """Start as a server, or as a single submission's process."""
    way, packages, detail = arguments
    here = str(Path(__file__).resolve().parents[2])
    sys.path[:0] = [here, packages]
    importlib.import_module("grading.confined.runner")
    preload(PRELOADED)
    sys.path[:] = [entry for entry in sys.path if entry not in (here, packages)]
    serve(socket.socket(fileno=int(detail))) if way == "serve" else run_alone(json.loads(detail))


def preload(modules: tuple[str, ...] | list[str]) -> None:
    """Import what can be imported."""
    from grading.confined.runner import import_all

    for module in modules:
        if module not in sys.modules:
            try:
                import_all(module)
            except Exception:  # an older NumPy has not all of them
                continue


def ruleset() -> int | None:
    """Landlock's description of what a submission may read: the standard library, but no packages beside it; NumPy."""
    import sysconfig

    from grading.confined import confine

    folders = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    entries = [entry for folder in folders for entry in folder.iterdir() if not entry.name.endswith("-packages")]
    numpy = Path(sys.modules["numpy"].__file__ or "").parent
    readable = [*entries, numpy, numpy.with_name("numpy.libs")]
    project = Path(__file__).resolve().parents[2]
    return confine.landlock_ruleset([path for path in readable if not project.is_relative_to(path)], folders)


# --- the fork-server --------------------------------------------------------------------------------------------


def serve(control: socket.socket) -> NoReturn:
    """Fork a child for each order, until the control socket closes."""
    Server(control).run()


class Server:
    """Its children, and the sockets over which the grader is told of them.

    It ends when its control socket closes, and asks for no signal at its parent's death: to the kernel that is the
    grader's thread that started it, which may be gone long before the grader is.
    """

    def __init__(self, control: socket.socket) -> None:
        from grading.confined import confine

        self.control = control
        self.null = os.open(os.devnull, os.O_RDONLY)
        self.ruleset = ruleset()
        self.children: dict[int, socket.socket] = {}
        self.woken, wake = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        confine.prctl(confine.PR_SET_DUMPABLE, 0)  # children of an ordinary user must not look in here
        confine.prctl(confine.PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for end in (self.woken, wake):
            end.setblocking(False)
        self.wake = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()  # what is here will not be garbage in any child

    def run(self) -> NoReturn:
        """The loop."""
        self.selector.register(self.control, selectors.EVENT_READ)
        self.selector.register(self.woken, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.control:
                    self.take_order()
                elif key.fileobj is self.woken:
                    self.woken.recv(4096)
                    self.bury()
                elif key.data in self.children:
                    self.kill(key.data)

    def take_order(self) -> None:
        """Fork a child for an order; end where no more will come."""
        data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 18, 3)
        if not data:
            for pid in self.children:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        order = json.loads(data)
        preload(order["modules"])
        channel, log, status = descriptors
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.become_child(order, channel, log, server)
        os.close(channel)
        os.close(log)
        self.children[pid] = socket.socket(fileno=status)
        self.selector.register(self.children[pid], selectors.EVENT_READ, pid)

    def become_child(self, order: dict[str, Any], channel: int, log: int, server: int) -> NoReturn:
        """Keep the descriptors that a submission's process needs, and go on in `runner`."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            import fcntl

            kept = [self.null, log, log, channel, *([] if self.ruleset is None else [self.ruleset])]
            high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in kept]
            for number, descriptor in enumerate(high):
                os.dup2(descriptor, number)
            os.closerange(len(kept), 1 << 16)
            from grading.confined import runner

            open_streams()
            runner.run(order, runner.Channel(CHANNEL, CHANNEL), None if self.ruleset is None else 4, server)
        finally:
            os._exit(99)

    def bury(self) -> None:
        """Tell of each child that died how it did."""
        while self.children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            line = self.children.pop(pid, None)
            if line is not None:
                if line in self.selector.get_map():
                    self.selector.unregister(line)
                tell(line, os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)

    def kill(self, pid: int) -> None:
        """The grader asked for it, or went away. Nobody else can have the number: the dead are listed until buried."""
        self.selector.unregister(self.children[pid])
        os.kill(pid, signal.SIGKILL)


def tell(line: socket.socket, code: int, cpu_seconds: float) -> None:
    """Say how a child died: exit status, or minus the signal."""
    with contextlib.suppress(OSError):  # nobody asks any more
        line.sendall(json.dumps({"code": code, "cpu_seconds": cpu_seconds}).encode())
    line.close()


def open_streams() -> None:
    """Text streams over the descriptors that go to the log: each line at once, so that a crash loses little."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


# --- a single submission ----------------------------------------------------------------------------------------


def run_alone(order: dict[str, Any]) -> NoReturn:
    """Run one submission in this process: requests on stdin, answers on stdout, the log on stderr."""
    from grading.confined import runner

    preload(order["modules"])
    reading, writing = os.dup2(0, CHANNEL + 1), os.dup2(1, CHANNEL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    open_streams()
    runner.run(order, runner.Channel(reading, writing), ruleset() if sys.platform == "linux" else None, None)


if __name__ == "__main__":
    main(sys.argv[1:])
