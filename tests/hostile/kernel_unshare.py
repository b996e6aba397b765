"""Makes a user namespace."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.unshare(0x10000000) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
