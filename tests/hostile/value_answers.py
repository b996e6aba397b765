"""Looks for the grader's answers, in all frames and all objects."""

import gc
import sys

import numpy as np


def is_answer(value):
    return type(value) is np.ndarray and value.size == 1 and value.ravel()[0] == 0.1 + 271828


def attack(path, port, pid):
    frame, found = sys._getframe(), 0
    while frame:
        found += sum(is_answer(value) for value in list(frame.f_locals.values()) + list(frame.f_globals.values()))
        frame = frame.f_back
    return found + sum(is_answer(value) for value in gc.get_objects())
