"""Replaces os.write, through which answers go."""

import os


def attack(path, port, pid):
    os.write = lambda descriptor, data: len(data)
    return 1
