"""Replaces json.dumps."""

import json


def attack(path, port, pid):
    json.dumps = None
    return 1
