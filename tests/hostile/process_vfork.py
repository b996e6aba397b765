"""Makes a process with vfork."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.vfork() == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
