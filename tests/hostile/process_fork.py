"""Forks a child that stays."""

import os
import time


def attack(path, port, pid):
    if os.fork() == 0:
        time.sleep(60)
    return True
