"""Imports what it may not, and uses it."""

import requests


def attack(path, port, pid):
    return requests.get("http://127.0.0.1")
