"""Kills the grader through a descriptor."""

import os
import signal


def attack(path, port, pid):
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)
    return True
