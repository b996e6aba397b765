"""Returns more than is read."""

import numpy as np


def attack(path, port, pid):
    return np.zeros(20_000_000)
