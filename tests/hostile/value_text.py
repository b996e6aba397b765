"""Returns a text."""


def attack(path, port, pid):
    return "0.5"
