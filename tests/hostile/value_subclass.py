"""Returns an array that is equal to everything."""

import numpy as np


class Yes(np.ndarray):
    def __array_function__(self, *_):
        return True

    def __array_ufunc__(self, *_, **__):
        return True

    def __eq__(self, _):
        return True

    __hash__ = None


def attack(path, port, pid):
    return np.full(2, 7.0).view(Yes)
