"""Makes a system call of the x32 convention."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.syscall(1073741863) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
