"""Returns more dimensions than are read."""

import numpy as np


def attack(path, port, pid):
    return np.zeros((1,) * 9)
