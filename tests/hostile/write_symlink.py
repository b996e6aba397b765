"""Makes a link."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.symlink(name, name + ".link")
    return True
