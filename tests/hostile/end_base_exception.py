"""Raises an exception that nobody expects."""


class Odd(BaseException):
    pass


def attack(path, port, pid):
    raise Odd
