"""Starts a thread that outlives the call."""

import threading
import time


def attack(path, port, pid):
    threading.Thread(target=time.sleep, args=(60,)).start()
    return True
