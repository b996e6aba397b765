"""Starts processes with multiprocessing."""

import multiprocessing


def attack(path, port, pid):
    multiprocessing.Process(target=print).start()
    return True
