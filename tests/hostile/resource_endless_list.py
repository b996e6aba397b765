"""Returns a list that holds itself."""


def attack(path, port, pid):
    value = []
    value.append(value)
    return value
