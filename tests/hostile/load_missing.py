"""Defines something else."""


def atack(path, port, pid):
    return 1
