"""Overwrites a file."""


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    open(name, "w").write("changed")
    return True
