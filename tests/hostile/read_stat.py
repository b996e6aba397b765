"""Looks whether a file exists."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return os.stat(name).st_size
