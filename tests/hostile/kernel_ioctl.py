"""Types into a terminal."""

import fcntl


def attack(path, port, pid):
    fcntl.ioctl(0, 0x5412, b"x")
    return True
