"""Returns a number of a million digits."""


def attack(path, port, pid):
    return 1 << 3_000_000
