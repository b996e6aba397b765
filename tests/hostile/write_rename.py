"""Moves a file."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.rename(name, name + ".moved")
    return True
