"""Reads a file with os.open."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return list(os.read(os.open(name, os.O_RDONLY), 100))
