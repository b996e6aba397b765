"""Loads a program into the kernel."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(321, 0, (ctypes.c_uint64 * 9)(), 72) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
