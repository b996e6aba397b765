"""Ends its process as if all were well."""

import os


def attack(path, port, pid):
    os._exit(0)
