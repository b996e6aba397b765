"""Makes a pipe with a name."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.mkfifo(name + ".fifo")
    return True
