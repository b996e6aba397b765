"""Sets a timer."""

import signal


def attack(path, port, pid):
    signal.setitimer(signal.ITIMER_REAL, 1)
    return True
