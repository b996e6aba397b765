"""Sets up io_uring, which opens files without open."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(425, 8, (ctypes.c_uint64 * 15)()) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
