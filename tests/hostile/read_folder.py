"""Lists a folder."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return len(os.listdir(os.path.dirname(name)))
