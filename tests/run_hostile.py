"""Run all hostile submissions, in a process of its own, and print as JSON what came of it; for `test_hostile`.

    python tests/run_hostile.py plain | container [--fresh] [NAME ...]

Some attacks aim at the process that runs this, and some traces are only to be found when all is over. "container" gives
up first what Docker's defaults withhold: capabilities, and the calls that make namespaces.
"""

import contextlib
import ctypes
import json
import os
import socket
import stat
import struct
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from grading.sandbox import Failure, Function, Limits, Other, Sandbox, Source

FOLDER = Path(__file__).with_name("hostile")
LIMITS = Limits(cpu_seconds=1, wall_seconds=30, memory_bytes=512 << 20, output_bytes=1 << 20)
IMPATIENT = replace(LIMITS, wall_seconds=0.6)
WAITING = {
    "end_slow_message", "load_forged_outcome", "protocol_patched_write", "protocol_truncated",
    "resource_log_then_hang", "resource_sleep", "resource_swallow_all", "signal_stop_itself",
}  # fmt: skip
"""Those that wait without computing: there is no need to wait with them."""
MEMORY = replace(LIMITS, cpu_seconds=4, memory_bytes=300 << 20)  # filling memory takes time
# fmt: off
IMPORTS = (
    "atexit", "builtins", "ctypes", "fcntl", "gc", "importlib", "importlib.machinery", "io", "json", "linecache",
    "mmap", "multiprocessing", "multiprocessing.popen_fork", "multiprocessing.shared_memory", "numpy", "os", "resource",
    "signal", "socket", "struct", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "urllib.request",
)
# fmt: on
"""Far more than any assignment allows: what protects must not be the list of imports."""
ANSWER = np.array([0.1 + 271828])  # what `value_answers` looks for
MADE = {
    "made_two_megabytes": b"x = 1\n" * 350_000,
    "made_nul": b"x = 1\0\n",
    "made_bad_encoding": b"x = '\xff\xfe'\n",
    "made_unknown_encoding": b"# coding: no-such-thing\nx = 1\n",
    "made_parentheses": b"x = " + b"(" * 100_000 + b")" * 100_000,
    "made_minus": b"x = " + b"-" * 100_000 + b"1\n",
    "made_attributes": b"x = a" + b".a" * 100_000,
    "made_sum": b"x = 1" + b" + 1" * 100_000,
    "made_else_ifs": b"if x:\n  pass\n" + b"elif x:\n  pass\n" * 30_000,
    "made_indents": b"".join(b" " * n + b"if 1:\n" for n in range(2_000)),
    "made_long_line": b"x = '" + b"a" * 1_000_000 + b"\n",
    "made_surrogates": b"def attack(*_):\n    print('\\ud800')\n    raise ValueError('\\ud800 \\u202e')\n",
}


class Traps:
    """A file and sockets that a submission must not reach."""

    def __init__(self, folder, name):
        self.path = folder / name / "canary"
        self.path.parent.mkdir()
        self.secret = os.urandom(8).hex()
        self.path.write_text(self.secret)
        self.path.chmod(0o666)
        self.path.parent.chmod(0o777)
        self.before = self._state()
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self._bind(tcp, udp)
        unix.bind(f"{self.path}.socket")
        Path(f"{self.path}.socket").chmod(0o777)
        abstract.bind(f"\0{self.path}")
        self.listeners = {"tcp": tcp, "unix": unix, "abstract": abstract}
        self.udp = udp
        for listener in self.listeners.values():
            listener.listen()
            listener.setblocking(False)
        udp.setblocking(False)

    def _bind(self, tcp, udp):
        while True:
            tcp.bind(("127.0.0.1", 0))
            self.port = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", self.port))
                return
            tcp.close()

    def _state(self):
        status = self.path.stat()
        return (
            self.path.read_text(),
            status.st_mode,
            status.st_uid,
            status.st_mtime_ns,
            status.st_nlink,
            status.st_size,
        )

    def effects(self, said):
        """What went wrong, in words; nothing where nothing did."""
        found = []
        if sorted(entry.name for entry in self.path.parent.iterdir()) != ["canary", "canary.socket"]:
            found.append("files made, moved or deleted beside the canary")
        elif self._state() != self.before or stat.S_IMODE(self.before[1]) != 0o666:
            found.append("the canary was changed")
        if self.secret in said or str(list(self.secret.encode())) in said:
            found.append("the canary was read")
        for name, listener in self.listeners.items():
            with contextlib.suppress(BlockingIOError), listener:
                listener.accept()
                found.append(f"{name} was connected to")
        with contextlib.suppress(BlockingIOError), self.udp:
            self.udp.recv(10)
            found.append("a datagram arrived")
        return found


def run(sandbox, folder, name, data):
    """One submission: its verdict, its words, and what it did."""
    traps = Traps(folder, name)
    arguments = (np.frombuffer(os.fsencode(traps.path), np.uint8).astype(np.int32), traps.port, os.getpid())
    limits = IMPATIENT if name in WAITING else MEMORY if "memory" in name else LIMITS
    with sandbox.session(Source(f"{name}.py", data), IMPORTS, limits) as session:
        answers = session.call(Function("attack"), [arguments])
        if session.failure is None:  # whoever answered twice is found out now
            answers += session.call(Function("attack"), [arguments])
    answer = next((answer for answer in answers if isinstance(answer, Failure)), answers[0])
    said = {"effects": traps.effects(repr(plain(answers))), "calls": len(answers)}
    if isinstance(answer, Failure):
        return {
            **said,
            "verdict": answer.verdict,
            "message": answer.message,
            "where": answer.where,
            "log": (answer.trace + answer.printed)[-300:],
        }
    return {**said, "verdict": "returned", "message": repr(plain(answer.value)), "changed": answer.changed_arguments}


def plain(value):
    """For JSON and for people."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), value.ravel()[:64].tolist()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.type_name if isinstance(value, Other) else value


def traces():
    """What can be left behind: processes of our children's users or of this one's, segments, files."""
    found = {f"file {entry}" for place in ("/tmp", "/dev/shm") for entry in Path(place).glob("backprop-hostile*")}
    for kind in ("shm", "sem", "msg"):
        with contextlib.suppress(OSError):
            keys = [line.split()[0] for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]]
            found |= {f"{kind} {key}" for key in keys if int(key) == 0x62707368}
    return found


def descendants(pid):
    """Process ids below `pid`."""
    below = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    below += [int(entry.name), *descendants(int(entry.name))]
    return below


def become_container():
    """Keep what Docker leaves to root, and refuse new namespaces (numbers of x86_64)."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = [(0x20, 0, 0, 0)]
    for number in (272, 308, 165, 155, 321, 250, 425):  # unshare, setns, mount, pivot_root, bpf, keyctl, io_uring_setup
        program += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050001)]
    program += [(0x15, 0, 1, 435), (0x06, 0, 0, 0x00050026)]  # clone3: as if it did not exist
    program += [(0x15, 0, 3, 56), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, 0x00050001)]
    program += [(0x06, 0, 0, 0x7FFF0000)]
    code = b"".join(struct.pack("<HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    if libc.prctl(22, 2, filter_) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    kept = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
    for capability in set(range(41)) - kept:
        libc.prctl(24, ctypes.c_ulong(capability), 0, 0, 0)
    mask = sum(1 << capability for capability in kept)
    header, data = (
        struct.pack("<Ii", 0x20080522, 0),
        struct.pack("<3I3I", *[mask & 0xFFFFFFFF] * 2, 0, *[mask >> 32] * 2, 0),
    )
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def main(arguments):
    setting, *names = [argument for argument in arguments if argument != "--fresh"]
    fresh = "--fresh" in arguments
    if setting == "container":
        become_container()
    sources = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.py"))} | MADE
    chosen = {name: data for name, data in sources.items() if not names or name in names}
    chosen = dict(sorted(chosen.items(), key=lambda item: item[0] not in WAITING))  # the long ones first
    before = traces()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o777)
        with Sandbox(unsafe=fresh, _fresh=fresh) as sandbox, ThreadPoolExecutor(3) as pool:
            jobs = {name: pool.submit(run, sandbox, folder, name, data) for name, data in chosen.items()}
            results = {name: job.result() for name, job in jobs.items()}
            server = 0 if fresh else 1  # the fork-server itself
            below = descendants(os.getpid())
            layers = dict(sandbox.layers)
    left = sorted(traces() - before) + [f"process {pid}" for pid in below[server:]] + descendants(os.getpid())
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    print(json.dumps({"layers": layers, "uid": os.getuid(), "left": left, "threads": threads, "results": results}))


if __name__ == "__main__":
    main(sys.argv[1:])
