"""Raises an exception with a message of a hundred million characters, and escape sequences."""


def attack(path, port, pid):
    raise ValueError("\x1b[31m" + "x" * 100_000_000)
