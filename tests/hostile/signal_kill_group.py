"""Kills its process group."""

import os
import signal


def attack(path, port, pid):
    os.killpg(0, signal.SIGKILL)
    return True
