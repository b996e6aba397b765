"""Makes a POSIX segment, which would outlive it."""

from multiprocessing import shared_memory


def attack(path, port, pid):
    shared_memory.SharedMemory("backprop-hostile", create=True, size=4096)
    return True
