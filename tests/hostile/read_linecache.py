"""Reads a file through linecache, which swallows errors."""

import linecache


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    return [list(line.encode()) for line in linecache.getlines(name)]
