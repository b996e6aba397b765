"""Opens a file with the C library."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    if libc.open(name.encode(), 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
