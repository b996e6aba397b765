"""Returns an array of texts."""

import numpy as np


def attack(path, port, pid):
    return np.array(["a"])
