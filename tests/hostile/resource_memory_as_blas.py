"""Ends as OpenBLAS does where it gets no memory."""

import os


def attack(path, port, pid):
    os.write(2, b"OpenBLAS error: Memory allocation still failed after 10 retries, giving up.")
    os._exit(1)
