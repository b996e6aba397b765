"""Deletes a file."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.unlink(name)
    return True
