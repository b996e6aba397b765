"""Ends its process while it is loaded."""

import os

os._exit(0)


def attack(path, port, pid):
    return 1
