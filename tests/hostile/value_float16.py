"""Returns half precision."""

import numpy as np


def attack(path, port, pid):
    return np.zeros(2, np.float16)
