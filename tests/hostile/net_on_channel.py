"""Uses its line to the grader as a socket, to send a descriptor along."""

import socket


def attack(path, port, pid):
    socket.send_fds(socket.socket(fileno=3), [b"x"], [3])
    return True
