"""Returns a generator that never ends."""


def attack(path, port, pid):
    return iter(int, 1)
