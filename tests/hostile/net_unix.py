"""Connects to a socket in a folder."""

import socket


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    socket.socket(socket.AF_UNIX).connect(name + ".socket")
    return True
