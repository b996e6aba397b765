"""Runs a program."""

import subprocess


def attack(path, port, pid):
    name = bytes(path.tolist()).decode()
    subprocess.run(["/bin/rm", name], check=True)
    return True
