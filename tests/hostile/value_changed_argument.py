"""Changes its argument, and its size."""


def attack(path, port, pid):
    path += 1
    path.resize((1,), refcheck=False)
    return path
