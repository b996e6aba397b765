"""Sleeps."""

import time


def attack(path, port, pid):
    time.sleep(60)
