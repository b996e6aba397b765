"""Makes a temporary file."""

import tempfile


def attack(path, port, pid):
    tempfile.TemporaryFile().write(b"x")
    return True
