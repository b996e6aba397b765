"""Reads a file with open."""


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return list(open(name, "rb").read())
