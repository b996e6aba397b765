"""Connects to an abstract socket."""

import socket


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    socket.socket(socket.AF_UNIX).connect("\0" + name)
    return True
