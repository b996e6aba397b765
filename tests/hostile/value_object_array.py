"""Returns an array of objects."""

import numpy as np


def attack(path, port, pid):
    return np.array([[object(), None]])
