"""Makes NumPy say that all is equal, in its own process."""

import numpy as np


def attack(path, port, pid):
    np.allclose = np.array_equal = lambda *_: True
    np.asarray = lambda *_: np.zeros(3)
    return np.ones(2)
