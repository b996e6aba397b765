"""How a submission's process is started, and how its end is seen: the one place that differs between systems.

A launcher gives a `Child`: three sockets, whatever stands behind them.

    ForkServer          Linux: a process with Python and NumPy loaded, of which each child is a fork; 4 ms
    FreshInterpreters   elsewhere: an interpreter for each submission, its pipes pumped into sockets by threads; 100 ms
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np

WORKER = Path(__file__).parents[1] / "confined" / "worker.py"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Each further thread of a BLAS takes 41 MB of address space, and no child may start one."""
FROM_OUTSIDE = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""Of the environment, only what Python may not be able to start without."""


@dataclass(frozen=True)
class Child:
    """The grader's ends.

    Attributes:
        channel: frames, both ways.
        log: what the submission prints.
        status: one message at the process's end, `{"code", "cpu_seconds"}`.
        kill: ends the process, whatever it does; to be called at any time, more than once.
    """

    channel: socket.socket
    log: socket.socket
    status: socket.socket
    kill: Callable[[], None]

    def close(self) -> None:
        """Let go of the sockets."""
        for end in (self.channel, self.log, self.status):
            end.close()


class Launcher(Protocol):
    """Starts processes."""

    def launch(self, order: Mapping[str, Any]) -> Child:
        """Start one. Raises OSError where that fails."""

    def close(self) -> None:
        """End whatever still runs."""


def command(way: str, detail: str) -> list[str]:
    """Start the worker with nothing of the user's: no environment, no site-packages, no current folder."""
    return [sys.executable, "-I", "-S", "-B", str(WORKER), way, str(Path(np.__file__).parents[1]), detail]


def environment() -> dict[str, str]:
    """A clean one."""
    kept = {name: os.environ[name] for name in FROM_OUTSIDE if name in os.environ}
    return {**kept, **dict.fromkeys(ONE_THREAD, "1"), "LC_ALL": "C.UTF-8"}


def three_pairs() -> tuple[list[socket.socket], list[socket.socket]]:
    """Channel, log and status: our ends, non-blocking, and theirs."""
    pairs = [socket.socketpair() for _ in range(3)]
    for ours, _ in pairs:
        ours.setblocking(False)
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


class ForkServer:
    """Linux's way."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lock = threading.Lock()
        with theirs:
            self.process = subprocess.Popen(
                command("serve", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C at the terminal is the grader's
            )

    def launch(self, order: Mapping[str, Any]) -> Child:
        """Send an order, with the child's ends of the sockets."""
        ours, theirs = three_pairs()
        try:
            with self.lock:
                socket.send_fds(self.control, [json.dumps(order).encode()], [end.fileno() for end in theirs])
        except OSError:
            for end in ours:
                end.close()
            raise
        finally:
            for end in theirs:
                end.close()
        return Child(ours[0], ours[1], ours[2], kill=lambda: _send(ours[2], b"kill"))

    def close(self) -> None:
        """Close the control socket: the server kills its children and goes."""
        self.control.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class FreshInterpreters:
    """The way of systems without fork."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.lock = threading.Lock()

    def launch(self, order: Mapping[str, Any]) -> Child:
        """Start an interpreter, and threads that carry its pipes over."""
        process = subprocess.Popen(
            command("alone", json.dumps(order)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment(),
            start_new_session=sys.platform != "win32",
        )
        ours, (channel, log, status) = three_pairs()
        with self.lock:
            self.processes.append(process)
        stdin, stdout, stderr = (cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout, process.stderr))
        outwards = [
            threading.Thread(target=_pump_out, args=(stdout, channel), daemon=True),
            threading.Thread(target=_pump_out, args=(stderr, log), daemon=True),
        ]
        inwards = threading.Thread(target=_pump_in, args=(channel, stdin), daemon=True)
        for thread in (*outwards, inwards):
            thread.start()
        ends = (channel, log, status)
        threading.Thread(target=self._wait, args=(process, outwards, inwards, ends), daemon=True).start()
        return Child(ours[0], ours[1], ours[2], kill=process.kill)

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        outwards: Sequence[threading.Thread],
        inwards: threading.Thread,
        ends: Sequence[socket.socket],
    ) -> None:
        code = process.wait()
        for thread in outwards:
            thread.join()
        _send(ends[2], json.dumps({"code": code, "cpu_seconds": 0.0}).encode())
        with contextlib.suppress(OSError):
            ends[0].shutdown(socket.SHUT_RDWR)  # `inwards` may be waiting for more
        inwards.join()
        for end in ends:
            end.close()
        with self.lock:
            self.processes.remove(process)

    def close(self) -> None:
        """Kill what still runs."""
        with self.lock:
            running = list(self.processes)
        for process in running:
            process.kill()
            process.wait()


def _send(end: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody there any more
        end.send(data)


def _pump_out(pipe: IO[bytes], end: socket.socket) -> None:
    with pipe, contextlib.suppress(OSError):
        while data := pipe.read(1 << 16):
            end.sendall(data)
        end.shutdown(socket.SHUT_WR)  # whoever closed the pipe is seen to have done so


def _pump_in(end: socket.socket, pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError), pipe:
        while data := end.recv(1 << 16):
            pipe.write(data)
