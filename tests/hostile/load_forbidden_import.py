"""Imports what it may not."""

import requests


def attack(path, port, pid):
    return 1
