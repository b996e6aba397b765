"""Makes a file in /tmp."""

import os


def attack(path, port, pid):
    os.open("/tmp/backprop-hostile-new", os.O_CREAT | os.O_WRONLY)
    return True
