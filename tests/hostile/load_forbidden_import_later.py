"""Imports what it may not, when it is called."""


def attack(path, port, pid):
    import requests

    return requests.get("http://127.0.0.1")
