"""Ends its process with a status."""

import os


def attack(path, port, pid):
    os._exit(3)
