"""Raises an exception whose text takes for ever."""

import time


class Slow(Exception):
    def __str__(self):
        time.sleep(60)


def attack(path, port, pid):
    raise Slow
