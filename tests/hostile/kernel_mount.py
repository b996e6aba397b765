"""Mounts a file system."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
