"""Asks for memory that can be executed when it is read."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.personality(0x0400000) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
