"""Returns an array that lies about its shape."""

import numpy as np


class Liar(np.ndarray):
    shape = (784, 16)
    size = 1
    nbytes = 1


def attack(path, port, pid):
    return np.full(2, 7.0).view(Liar)
