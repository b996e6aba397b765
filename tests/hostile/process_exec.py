"""Becomes another program."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.execv("/bin/rm", ["rm", name])
