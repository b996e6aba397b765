"""Reads the grader's memory through /proc."""


def attack(path, port, pid):
    return list(open(f"/proc/{pid}/mem", "rb").read(10))
