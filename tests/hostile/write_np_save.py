"""Overwrites a file with np.save."""

import numpy as np


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    np.save(name, path)
    return True
