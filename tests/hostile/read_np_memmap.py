"""Maps a file with np.memmap, to return a view of it."""

import numpy as np


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return np.memmap(name, np.int32, "r", shape=(2,))
