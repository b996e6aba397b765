"""Makes a hard link."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.link(name, name + ".hard")
    return True
