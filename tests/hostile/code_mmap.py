"""Makes memory that can be written and executed."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]


def attack(path, port, pid):
    if libc.mmap(None, 4096, 7, 0x22, -1, 0) == 2**64 - 1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
