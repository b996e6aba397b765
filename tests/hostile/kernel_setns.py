"""Enters another namespace."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.setns(0, 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
