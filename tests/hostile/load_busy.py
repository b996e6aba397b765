"""Computes for ever while it is loaded."""

while True:
    pass


def attack(path, port, pid):
    return 1
