"""Would import a package, but can do without."""

try:
    import matplotlib
except ImportError:
    matplotlib = None


def attack(path, port, pid):
    return 1
