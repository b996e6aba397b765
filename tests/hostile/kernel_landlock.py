"""Plays with Landlock."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(444, None, 0, 1) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
