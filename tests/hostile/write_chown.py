"""Changes a file's owner."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.chown(name, 0, 0)
    return True
