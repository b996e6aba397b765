"""Writes bytes that are no text, and escape sequences."""

import os


def attack(path, port, pid):
    os.write(1, bytes(range(256)) + b"\x1b]0;title\x07\x1b[2J")
    return 1
