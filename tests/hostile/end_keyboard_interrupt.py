"""Raises KeyboardInterrupt."""


def attack(path, port, pid):
    raise KeyboardInterrupt
