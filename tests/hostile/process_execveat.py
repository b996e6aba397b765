"""Becomes another program with execveat."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.execveat(-100, b"/bin/true", None, None, 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
