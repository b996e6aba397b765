"""Changes its root."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.chroot(b"/tmp") == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
