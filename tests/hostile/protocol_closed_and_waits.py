"""Closes all its descriptors, and hangs."""

import os
import time


def attack(path, port, pid):
    os.closerange(0, 100)
    time.sleep(60)
