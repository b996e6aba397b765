"""Closes all its descriptors."""

import os


def attack(path, port, pid):
    os.closerange(0, 100)
    return 1
