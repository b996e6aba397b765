"""Returns what is not finite."""

import numpy as np


def attack(path, port, pid):
    return [np.array([np.nan, np.inf]), float("nan"), -0.0]
