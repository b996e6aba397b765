"""Returns an array that lies at address 8."""

import ctypes

import numpy as np


def attack(path, port, pid):
    return np.ctypeslib.as_array((ctypes.c_double * 10).from_address(8))
