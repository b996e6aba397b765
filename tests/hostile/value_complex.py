"""Returns complex numbers."""

import numpy as np


def attack(path, port, pid):
    return np.zeros(2, complex)
