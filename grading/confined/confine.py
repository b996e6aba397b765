"""The walls around a submission's process. Each layer is a function, and each says whether it became active.

    limit_resources     rlimits: CPU time, address space, no files written, no core, no forks
    become_user         where started as root: a user id that owns nothing
    forbid_privileges   no_new_privs, and memory that processes of the same user cannot look into
    landlock            files: the standard library and NumPy may be read, nothing else; no TCP, no signals outwards
    seccomp             system calls: memory, time, and the descriptors already open; nothing else

They overlap on purpose. seccomp alone holds back all that we know of, since whoever cannot call `open`, `socket` or
`clone` has nothing to attack with; the others stand for the day on which that is found wrong.

The calls come from the process that is to be confined, in this order, and cannot be undone. No layer needs root,
namespaces, a helper program or a package. On systems other than Linux most report False, and the caller decides.

A denied system call fails with EPERM, which Python raises as PermissionError: a student who tries to read a file is
told so in a traceback. A call of another architecture (32-bit calls have other numbers) kills the process at once.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LINUX = sys.platform == "linux"

PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 3, 4, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 36, 38, 39
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same on every architecture
LANDLOCK_CREATE_RULESET_VERSION, LANDLOCK_RULE_PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def prctl(option: int, *arguments: int) -> int:
    """The system call; its result, or -1 where it failed or there is none."""
    if _libc is None:
        return -1
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return int(_libc.prctl(option, *(ctypes.c_ulong(argument) for argument in padded)))


def _syscall(number: int, *arguments: object) -> int:
    return -1 if _libc is None else int(_libc.syscall(ctypes.c_long(number), *arguments))


# --- resources, user, privileges --------------------------------------------------------------------------------


def limit_resources(cpu_seconds: float, memory_bytes: int) -> bool:
    """Set the limits that the kernel keeps for each process.

    Args:
        cpu_seconds: rounded up to whole seconds. Then SIGXCPU, and a second later SIGKILL for those who ignore it.
        memory_bytes: of address space. Below about 150 MiB OpenBLAS gives up and exits.

    Returns:
        Whether all of them hold. macOS does not know every one.
    """
    try:
        import resource
    except ImportError:  # Windows
        return False
    cpu = max(1, math.ceil(cpu_seconds))
    wanted = {
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_AS": (memory_bytes, memory_bytes),
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_NPROC": (0, 0),  # counts a user's processes: without effect on root, hence `become_user`
        "RLIMIT_NOFILE": (32, 32),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_MEMLOCK": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
    }
    essential = ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CORE")
    held = True
    for name, (soft, hard) in wanted.items():
        try:
            number = getattr(resource, name)
            _, ceiling = resource.getrlimit(number)
            if ceiling != resource.RLIM_INFINITY:  # an ordinary user cannot raise what was lowered before
                soft, hard = min(soft, ceiling), min(hard, ceiling)
            resource.setrlimit(number, (soft, hard))
        except (AttributeError, ValueError, OSError):
            held = held and name not in essential
    return held


def is_root() -> bool:
    """Whether this process is root, so that it can give submissions a user id of their own."""
    return LINUX and os.geteuid() == 0


def become_user(uid: int) -> bool:
    """Give up root for a user id of the slot's own: it can signal nobody that matters, and owns no file.

    Returns:
        Whether this process was root and is not any more.
    """
    if not is_root():
        return False
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError:
        return False
    return os.getresuid() == (uid, uid, uid)


def forbid_privileges(parent: int | None = None) -> bool:
    """No setuid program gains anything from here on; nobody looks into this process; it does not outlive its parent.

    Args:
        parent: process id of the parent, to see whether it died before we could ask to be told. To be called after
            `become_user`: a change of user forgets the wish.
    """
    if prctl(PR_SET_NO_NEW_PRIVS, 1) != 0:
        return False
    prctl(PR_SET_DUMPABLE, 0)
    if parent is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    return prctl(PR_GET_NO_NEW_PRIVS) == 1


# --- Landlock ---------------------------------------------------------------------------------------------------


def landlock_ruleset(readable: Iterable[Path], listable: Iterable[Path] = ()) -> int | None:
    """Describe what may be read. It can be made before a change of user, and used by many processes.

    Args:
        readable: files, and folders with all that is in them.
        listable: folders whose names, and those below, may be listed; the import system has to.

    Returns:
        A descriptor for `landlock`, or None where the kernel has no Landlock.
    """
    version = _syscall(
        LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(LANDLOCK_CREATE_RULESET_VERSION)
    )
    if version < 1:
        return None
    fields = [sum(1 << bit for bit in range({1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)))]  # files: all, forbidden
    if version >= 4:
        fields.append(0b11)  # bind and connect, TCP
    if version >= 6:
        fields.append(0b11)  # abstract sockets and signals that leave the domain
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    if ruleset < 0:
        return None
    for path in readable:
        _allow(ruleset, path, READ_FILE | (READ_DIR if path.is_dir() else 0))
    for path in listable:
        _allow(ruleset, path, READ_DIR)
    return ruleset


def _allow(ruleset: int, path: Path, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # then it stays forbidden
    rule = struct.pack("<Qi", access, descriptor)
    _syscall(LANDLOCK_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(LANDLOCK_RULE_PATH_BENEATH), rule, ctypes.c_uint(0))
    os.close(descriptor)


def landlock(ruleset: int | None) -> bool:
    """Put a ruleset into force for this process; needs `forbid_privileges` before."""
    if ruleset is None:
        return False
    return _syscall(LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)) == 0


# --- seccomp ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """What the filter has to know about a processor.

    Attributes:
        audit: how the kernel names its system calls' architecture.
        calls: numbers of the system calls we speak of; what an architecture lacks is left out.
        x32: from which number on calls belong to the x32 convention, or None where there is none.
    """

    audit: int
    calls: Mapping[str, int]
    x32: int | None = None


# fmt: off
ALWAYS = (
    "read", "write", "futex", "clock_gettime", "getpid", "brk", "munmap", "mremap", "madvise", "rt_sigreturn",
    "rt_sigaction", "rt_sigprocmask", "sigaltstack", "writev", "close", "fstat", "getrandom", "clock_getres",
    "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrusage", "sched_yield", "sched_getaffinity",
    "gettid", "getuid", "geteuid", "getgid", "getegid", "restart_syscall", "exit", "exit_group",
)
# fmt: on
"""Allowed with any arguments: they touch nothing but this process. `read` and `write` have the descriptors that are
open, and no call opens another."""

NOT_EXECUTABLE = ("mmap", "mprotect")
"""Allowed where the third argument, the protection, does not ask for executable memory: no new machine code."""

OWN_PROCESS = ("tgkill",)
"""Allowed where the first argument is this process: `abort` has to work."""

# fmt: off
X86_64 = Machine(
    0xC000003E,
    {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
        "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "writev": 20, "sched_yield": 24, "mremap": 25,
        "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96, "getrusage": 98, "times": 100,
        "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "sigaltstack": 131, "gettid": 186, "time": 201,
        "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "getrandom": 318,
    },
    x32=0x40000000,
)
AARCH64 = Machine(
    0xC00000B7,
    {
        "close": 57, "read": 63, "write": 64, "writev": 66, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
        "nanosleep": 101, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123,
        "sched_yield": 124, "restart_syscall": 128, "tgkill": 131, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "getrusage": 165, "gettimeofday": 169, "getpid": 172,
        "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "brk": 214, "munmap": 215,
        "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
    },
)
# fmt: on
MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}


class Instruction(NamedTuple):
    """One instruction of the kernel's filter machine: code, jump if true, jump if false, operand."""

    code: int
    jump_true: int
    jump_false: int
    operand: int


LOAD, RETURN = 0x20, 0x06
IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT = 0x15, 0x35, 0x45
NUMBER, ARCHITECTURE = 0, 4  # offsets in the kernel's struct seccomp_data
ALLOW, DENY, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
PROT_EXEC = 4


def _argument(index: int) -> int:
    return 16 + 8 * index  # the lower half: little-endian


def _load(offset: int) -> Instruction:
    return Instruction(LOAD, 0, 0, offset)


def _give(verdict: int) -> Instruction:
    return Instruction(RETURN, 0, 0, verdict)


def _if(test: int, operand: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Run `then` where the test holds; jumps are short, for `then` always returns."""
    return [Instruction(test, 0, len(then), operand), *then]


def seccomp_program(machine: Machine, pid: int) -> list[Instruction]:
    """The filter: an allow-list, the calls most used in front.

    Args:
        machine: its numbers.
        pid: of the process that will be confined.
    """
    protection = [_load(_argument(2)), *_if(IF_ANY_BIT, PROT_EXEC, [_give(DENY)]), _give(ALLOW)]
    own = [_load(_argument(0)), *_if(IF_EQUAL, pid, [_give(ALLOW)]), _give(DENY)]
    program = [
        _load(ARCHITECTURE),
        Instruction(IF_EQUAL, 1, 0, machine.audit),
        _give(KILL),
        _load(NUMBER),
    ]
    if machine.x32 is not None:
        program += _if(IF_AT_LEAST, machine.x32, [_give(KILL)])
    for names, then in (
        (ALWAYS[:4], [_give(ALLOW)]),
        (NOT_EXECUTABLE, protection),
        (ALWAYS[4:], [_give(ALLOW)]),
        (OWN_PROCESS, own),
    ):
        for name in names:
            if name in machine.calls:
                program += _if(IF_EQUAL, machine.calls[name], then)
    return [*program, _give(DENY)]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def seccomp(machine_name: str = platform.machine()) -> bool:
    """Put the filter into force for this process; needs `forbid_privileges` before.

    Returns:
        Whether it is; not on processors for which there is no table, nor where the kernel lacks it.
    """
    machine = MACHINES.get(machine_name)
    if not LINUX or machine is None or sys.maxsize < 2**32:
        return False
    code = b"".join(struct.pack("<HBBI", *step) for step in seccomp_program(machine, os.getpid()))
    program = _Filter(len(code) // 8, code)
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program)) == 0
