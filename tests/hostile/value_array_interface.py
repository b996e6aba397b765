"""Returns an object that claims to be an array at address 0."""


class Interface:
    __array_interface__ = {"shape": (10,), "typestr": "<f8", "data": (0, False), "version": 3}


def attack(path, port, pid):
    return Interface()
