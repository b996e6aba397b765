"""Makes System V semaphores, which would outlive it."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.semget(0x62707368, 1, 0o1666) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
