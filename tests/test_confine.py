"""Each layer of confinement alone, in a process of its own; and the system call filter in a small interpreter here."""

import os
import platform
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grading.confined import confine
from grading.confined.confine import AARCH64, ALLOW, ALWAYS, DENY, KILL, MACHINES, X86_64, seccomp_program

ROOT = Path(__file__).parents[1]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's layers")
needs_root = pytest.mark.skipif(not confine.is_root(), reason="needs root")
BEGIN = """
import ctypes, os, signal, socket, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from grading.confined import confine

def refused(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
"""


def alone(code, *arguments):
    """Run code in a fresh interpreter; what it printed, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(root=str(ROOT)) + code, *map(str, arguments)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return done.stdout.split(), done.returncode, done.stderr


# --- layers -----------------------------------------------------------------------------------------------------


@linux
def test_limits_alone_hold_back_files_memory_and_time(tmp_path):
    said, code, error = alone(
        """
print(confine.limit_resources(0.3, 300 << 20))
descriptor = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
print(refused(os.write, descriptor, b"x"))
try:
    bytearray(400 << 20)
except MemoryError:
    print("MemoryError")
sys.stdout.flush()
while True:
    pass
""",
        tmp_path / "file",
    )
    assert said == ["True", "OSError", "MemoryError"], error
    assert code == -signal.SIGXCPU
    assert (tmp_path / "file").read_bytes() == b""


@linux
@needs_root
def test_another_user_alone_cannot_read_what_is_root_s(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("42")
    secret.chmod(0o600)
    code = (
        "print(confine.become_user(60999), refused(open, sys.argv[1]), refused(os.setuid, 0), refused(os.kill, 1, 0))"
    )
    said, _, error = alone(code, secret)
    assert said == ["True", "PermissionError", "PermissionError", "PermissionError"], error


@linux
@needs_root
def test_the_limit_of_processes_counts_for_another_user():
    said, _, error = alone("print(confine.limit_resources(5, 1 << 30), confine.become_user(60998), refused(os.fork))")
    assert said == ["True", "True", "BlockingIOError"], error


@linux
def test_privileges_alone():
    said, _, error = alone(
        """
print(confine.forbid_privileges(os.getppid()), confine.prctl(confine.PR_GET_NO_NEW_PRIVS))
print(confine.prctl(confine.PR_GET_DUMPABLE))
wish = ctypes.c_int()
confine.prctl(2, ctypes.addressof(wish))
print(wish.value)
"""
    )
    assert said == ["True", "1", "0", "9"], error


@linux
def test_a_process_whose_parent_is_another_does_not_go_on():
    said, code, _ = alone("confine.forbid_privileges(1 << 22)\nprint('went on')")
    assert (said, code) == ([], 0)


LANDLOCK = """
readable = confine.landlock_ruleset([Path(sys.argv[1]) / "open"], [Path(sys.argv[1]) / "listed"])
confine.forbid_privileges()
print(confine.landlock(readable))
"""


@linux
def test_landlock_alone_holds_back_files_and_connections(tmp_path):
    for name in ("open", "listed", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("42")
    with_listener = (
        LANDLOCK
        + """
here = Path(sys.argv[1])
print(open(here / "open" / "file").read(), len(os.listdir(here / "listed")))
print(refused(open, here / "closed" / "file"), refused(open, here / "listed" / "file"), refused(os.listdir, "/"))
print(refused(open, here / "open" / "file", "w"), refused(os.unlink, here / "open" / "file"))
print(refused(socket.create_connection, ("127.0.0.1", 1)))
"""
    )
    said, _, error = alone(with_listener, tmp_path)
    assert said[:8] == ["True", "42", "1", *["PermissionError"] * 5], error
    assert said[8] in ("PermissionError", "ConnectionRefusedError")  # before version 4 it knows nothing of networks


@linux
def test_a_landlock_that_is_not_there_says_so():
    assert not confine.landlock(None)
    said, _, error = alone("print(confine.landlock(99))")
    assert said == ["False"], error


@linux
@pytest.mark.skipif(platform.machine() not in MACHINES, reason="no table for this processor")
def test_seccomp_alone_holds_back_all_that_is_not_listed():
    said, code, error = alone(
        """
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
confine.forbid_privileges()
print(confine.seccomp())
print(refused(os.open, "/", 0), refused(socket.socket), refused(os.fork), refused(os.kill, os.getppid(), 0))
print(refused(os.stat, "/"), refused(os.execv, "/bin/true", ["true"]), refused(os.dup, 1))
print(libc.mmap(None, 4096, 7, 0x22, -1, 0) == 2**64 - 1, libc.mmap(None, 4096, 3, 0x22, -1, 0) == 2**64 - 1)
print(len(bytearray(50 << 20)), os.getpid() > 0, len(os.urandom(4)))
sys.stdout.flush()
os.abort()
"""
    )
    assert said == ["True", *["PermissionError"] * 7, "True", "False", str(50 << 20), "True", "4"], error
    assert code == -signal.SIGABRT


@linux
def test_seccomp_needs_a_table():
    assert not confine.seccomp("riscv64")


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="32-bit calls are x86's")
@pytest.mark.parametrize("number", [20, 0x40000000 + 39])
def test_a_call_of_another_architecture_kills(number):
    """20 is getpid for 32-bit code, made by `int 0x80` from memory that was executable before; and x32's getpid."""
    said, code, _ = alone(
        """
import mmap
number = int(sys.argv[1])
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
instruction = bytes([0xCD, 0x80]) if number < 100 else bytes([0x0F, 0x05])
memory.write(bytes([0xB8]) + number.to_bytes(4, "little") + instruction + bytes([0xC3]))
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
print(call() != 0)
confine.forbid_privileges()
print(confine.seccomp())
sys.stdout.flush()
print(call())
""",
        number,
    )
    assert said == ["True", "True"]
    assert code == -signal.SIGSYS


# --- the filter -------------------------------------------------------------------------------------------------


def filtered(program, audit, number, arguments=()):
    """What the kernel's filter machine would say."""
    arguments = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    memory = number.to_bytes(4, "little") + audit.to_bytes(4, "little") + bytes(8)
    memory += b"".join(argument.to_bytes(8, "little") for argument in arguments)
    at = accumulator = 0
    for _ in range(len(program)):
        code, jump_true, jump_false, operand = program[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            accumulator = int.from_bytes(memory[operand : operand + 4], "little")
            continue
        holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: accumulator & operand != 0}[code]
        at += jump_true if holds else jump_false
    raise AssertionError("the filter does not end")


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_the_filter_allows_what_is_listed_and_denies_the_rest(machine):
    program = seccomp_program(machine, 1234)
    allowed = {machine.calls[name] for name in ALWAYS if name in machine.calls}
    sometimes = {machine.calls[name] for name in ("mmap", "mprotect", "tgkill")}
    assert len(program) < 4096  # the kernel's limit
    for number in range(1000):
        if number not in sometimes:
            expected = ALLOW if number in allowed else DENY
            assert filtered(program, machine.audit, number, [7] * 6) == expected, number


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_the_filter_looks_at_arguments(machine):
    program = seccomp_program(machine, 1234)
    for name in ("mmap", "mprotect"):
        for protection in range(8):
            expected = DENY if protection & 4 else ALLOW
            assert filtered(program, machine.audit, machine.calls[name], [0, 4096, protection]) == expected
    assert filtered(program, machine.audit, machine.calls["tgkill"], [1234, 1234, 6]) == ALLOW
    assert filtered(program, machine.audit, machine.calls["tgkill"], [1235, 1235, 6]) == DENY


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_the_filter_kills_other_architectures(machine):
    program = seccomp_program(machine, 1234)
    others = {0x40000003, 0x40000028, X86_64.audit, AARCH64.audit} - {machine.audit}
    for audit in others:
        assert all(filtered(program, audit, number) == KILL for number in range(500))
    x32 = filtered(program, machine.audit, 0x40000000)
    assert x32 == (KILL if machine is X86_64 else DENY)
    assert filtered(program, machine.audit, 0xFFFFFFFF) == x32


def test_dangerous_calls_are_in_no_table():
    forbidden = (
        "open openat openat2 creat socket connect clone clone3 fork vfork execve execveat kill tkill ptrace prctl "
        "io_uring_setup bpf keyctl memfd_create shmget shmat setrlimit prlimit64 ioctl fcntl sendmsg dup dup2"
    )
    for machine in MACHINES.values():
        assert not set(machine.calls) & set(forbidden.split())


@linux
def test_the_numbers_are_those_of_the_c_library(tmp_path):
    """Where the kernel's headers are installed: the table against them."""
    header = Path(f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers here")
    defined = dict(line.split()[1:] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    for name, number in MACHINES[platform.machine()].calls.items():
        assert int(defined[f"__NR_{name}"]) == number, name


def test_random_programs_never_fall_off_the_end():
    rng = random.Random(3)
    for _ in range(300):
        number, arguments = rng.randrange(1 << 32), [rng.randrange(1 << 64) for _ in range(6)]
        for machine in MACHINES.values():
            assert filtered(seccomp_program(machine, os.getpid()), machine.audit, number, arguments) in (
                ALLOW,
                DENY,
                KILL,
            )
