"""Stops itself, and waits to be waited for."""

import signal


def attack(path, port, pid):
    signal.raise_signal(signal.SIGSTOP)
    return True
