"""Installs a filter of its own."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(317, 1, 0, None) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
