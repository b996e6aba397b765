"""Computes for ever."""


def attack(path, port, pid):
    while True:
        pass
