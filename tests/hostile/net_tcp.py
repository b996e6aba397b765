"""Connects over TCP."""

import socket


def attack(path, port, pid):
    socket.create_connection(("127.0.0.1", port)).sendall(b"x")
    return True
