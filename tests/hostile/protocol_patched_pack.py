"""Replaces the function that describes values."""

import sys


def attack(path, port, pid):
    runner = sys.modules["grading.confined.runner"]
    runner.encode_values = lambda *_: b"nonsense that is longer than the first bytes of a frame"
    return 1
