"""Returns an object that does something when it dies."""

import os


class Dying:
    def __del__(self):
        os._exit(5)


def attack(path, port, pid):
    return [Dying()]
