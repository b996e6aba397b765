"""Aborts."""

import os


def attack(path, port, pid):
    os.abort()
