"""Kills the process that starts submissions."""

import os
import signal


def attack(path, port, pid):
    os.kill(os.getppid(), signal.SIGKILL)
    return True
