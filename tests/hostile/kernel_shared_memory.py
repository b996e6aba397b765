"""Makes a System V segment, which would outlive it."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.shmget(0x62707368, 4096, 0o1666) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
