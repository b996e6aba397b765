"""Imports the grader."""


def attack(path, port, pid):
    from grading import sandbox

    return 1
