"""Reads the grader's memory with process_vm_readv."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attack(path, port, pid):
    if libc.process_vm_readv(pid, None, 0, None, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return True
