"""Makes a process with clone3."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(435, (ctypes.c_uint64 * 11)(), 88) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
