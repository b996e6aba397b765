"""Returns lists in lists in lists."""


def attack(path, port, pid):
    value = []
    for _ in range(100_000):
        value = [value]
    return value
