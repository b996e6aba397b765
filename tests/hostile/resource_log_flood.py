"""Prints without end."""


def attack(path, port, pid):
    while True:
        print("x" * 1000)
