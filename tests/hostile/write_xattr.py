"""Sets an extended attribute."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.setxattr(name, "user.x", b"1")
    return True
