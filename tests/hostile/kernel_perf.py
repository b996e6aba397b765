"""Counts events."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(298, (ctypes.c_uint64 * 16)(), 0, -1, -1, 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
