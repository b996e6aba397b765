"""Makes a file in memory."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.memfd_create(b"x", 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
