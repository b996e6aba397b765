"""Leaves OpenBLAS no memory for its buffers."""

import numpy as np


def attack(path, port, pid):
    a, b, out = np.ones((3, 600, 600))
    kept = []
    for size in (1 << 20, 1 << 12, 1 << 6):
        try:
            while True:
                kept.append(np.ones(size))
        except MemoryError:
            continue
    return np.matmul(a, b, out=out)[0, 0] + np.linalg.inv(a + np.eye(600))[0, 0]
