"""Reads its own memory through /proc."""


def attack(path, port, pid):
    return list(open("/proc/self/mem", "rb").read(10))
