"""Fills memory with lists."""


def attack(path, port, pid):
    kept = []
    while True:
        kept.append([0] * 1_000_000)
