"""Empties a file."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.truncate(name, 0)
    return True
