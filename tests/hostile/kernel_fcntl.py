"""Asks for signals from a descriptor on the grader's behalf."""

import fcntl


def attack(path, port, pid):
    fcntl.fcntl(3, fcntl.F_SETOWN, pid)
    return True
