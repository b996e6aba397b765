"""Registers something for the end."""

import atexit
import os


def attack(path, port, pid):
    atexit.register(lambda: os.write(1, b"at exit"))
    return 1
