"""Replaces its own builtins while it is loaded."""

__builtins__ = {}


def attack(path, port, pid):
    return len(path)
