"""Changes a file's mode."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.chmod(name, 0o777)
    return True
