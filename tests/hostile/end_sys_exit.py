"""Raises SystemExit."""

import sys


def attack(path, port, pid):
    sys.exit(0)
