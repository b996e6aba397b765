"""Opens a file with a system call that older lists do not know."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    how = (ctypes.c_uint64 * 3)()
    if libc.syscall(437, -100, name.encode(), how, 24) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
