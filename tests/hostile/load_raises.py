"""Fails while it is loaded."""

1 / 0


def attack(path, port, pid):
    return 1
