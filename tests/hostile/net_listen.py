"""Listens."""

import socket


def attack(path, port, pid):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return True
