"""Reads a file as the import system does."""

import io


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return list(io.open_code(name).read())
