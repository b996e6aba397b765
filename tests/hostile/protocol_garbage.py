"""Writes to the descriptor of the answers."""

import os


def attack(path, port, pid):
    os.write(3, b"hello")
    return 1
