"""Raises an exception that cannot be printed."""


class Liar(Exception):
    def __str__(self):
        raise SystemExit


def attack(path, port, pid):
    raise Liar
