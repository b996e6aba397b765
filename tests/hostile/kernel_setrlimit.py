"""Lifts its limits."""

import resource


def attack(path, port, pid):
    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
    return True
