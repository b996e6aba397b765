"""Makes a folder."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.mkdir(name + ".folder")
    return True
