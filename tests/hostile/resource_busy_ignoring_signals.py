"""Computes for ever, and ignores the signal that says so."""

import signal


def attack(path, port, pid):
    for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass
