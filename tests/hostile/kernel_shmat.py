"""Attaches to a shared segment."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(30, 0, None, 0o10000) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
