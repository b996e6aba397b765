"""Ends its process with a status that the sandbox uses."""

import os


def attack(path, port, pid):
    os._exit(99)
