"""Makes itself readable to others."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.prctl(4, 1, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
