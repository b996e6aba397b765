"""Reads at address 0."""

import ctypes


def attack(path, port, pid):
    return ctypes.string_at(0)
