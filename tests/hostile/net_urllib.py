"""Fetches a page."""

import urllib.request


def attack(path, port, pid):
    urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
    return True
