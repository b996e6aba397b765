"""Asks for a terabyte."""

import numpy as np


def attack(path, port, pid):
    return np.ones(1 << 37)
