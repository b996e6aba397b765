"""Replaces what everybody uses."""

import builtins


def attack(path, port, pid):
    for name in ("len", "isinstance", "zip", "enumerate", "all"):
        setattr(builtins, name, None)
    return 1
