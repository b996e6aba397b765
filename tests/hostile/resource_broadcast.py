"""Returns a view with a billion entries of one number."""

import numpy as np


def attack(path, port, pid):
    return np.broadcast_to(np.float64(1), (1_000_000, 1_000))
