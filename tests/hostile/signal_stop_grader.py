"""Stops the grader."""

import os
import signal


def attack(path, port, pid):
    os.kill(pid, signal.SIGSTOP)
    return True
