"""Reads a file with np.fromfile."""

import numpy as np


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return np.fromfile(name, np.int32)
