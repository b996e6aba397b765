"""Returns a list that is too long."""


def attack(path, port, pid):
    return [None] * 100_000
