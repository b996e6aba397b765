"""Calls quit."""


def attack(path, port, pid):
    quit()
