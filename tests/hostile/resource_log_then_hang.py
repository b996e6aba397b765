"""Fills the pipe, and hangs."""

import time


def attack(path, port, pid):
    print("x" * 500_000)
    time.sleep(60)
