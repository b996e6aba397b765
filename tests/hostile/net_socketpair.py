"""Makes a pair of sockets."""

import socket


def attack(path, port, pid):
    socket.socketpair()
    return True
