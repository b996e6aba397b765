"""Uses the kernel's key store."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(250, 0, -3, 1) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
