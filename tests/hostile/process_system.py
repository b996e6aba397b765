"""Runs a shell."""

import os


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return os.system(f"echo changed > {name}")
