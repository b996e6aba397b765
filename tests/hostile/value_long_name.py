"""Returns an object whose type has a very long name, with an escape sequence in it."""


def attack(path, port, pid):
    return type("\x1b[31m" + "x" * 100_000, (), {})()
