"""Reads a file with np.load."""

import numpy as np


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return np.load(name, allow_pickle=True)
