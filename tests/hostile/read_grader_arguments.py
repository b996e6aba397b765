"""Reads the grader's command line."""


def attack(path, port, pid):
    return list(open(f"/proc/{pid}/cmdline", "rb").read())
