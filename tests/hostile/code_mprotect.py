"""Makes memory executable that it has written."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]


def attack(path, port, pid):
    address = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    if libc.mprotect(ctypes.c_void_p(address), 4096, 5) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
