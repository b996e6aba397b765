"""Changes a file's times."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.utime(name, (1, 1))
    return True
