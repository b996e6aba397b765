"""Signals a thread without saying whose."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(200, pid, 19) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
