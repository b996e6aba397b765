"""Sends a datagram."""

import socket


def attack(path, port, pid):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
    return True
