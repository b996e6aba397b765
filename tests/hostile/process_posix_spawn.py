"""Runs a program with posix_spawn."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    os.posix_spawn("/bin/rm", ["rm", name], {})
    return True
