"""Recurses without end."""


def attack(path, port, pid):
    return attack(path, port, pid)
