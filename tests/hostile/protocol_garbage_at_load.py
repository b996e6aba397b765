"""Writes to the descriptor of the answers while it is loaded."""

import os

os.write(3, b"hello, this is more than a frame's first bytes")


def attack(path, port, pid):
    return 1
