"""Looks in the interpreter's code for the two bytes of `int 0x80`, and jumps there: a 32-bit system call."""

import ctypes


def attack(path, port, pid):
    start = ctypes.cast(ctypes.pythonapi.PyObject_Repr, ctypes.c_void_p).value & ~0xFFF
    for page in range(start, start + (1 << 20), 1 << 12):
        at = ctypes.string_at(page, 1 << 12).find(b"\xcd\x80")
        if at >= 0:
            return ctypes.CFUNCTYPE(ctypes.c_long)(page + at)()
    return "not found"
