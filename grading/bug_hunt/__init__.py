"""Exercises: correct programs, each copy with one line that is wrong. `python -m grading.bug_hunt --help`.

programs/   the programs, as students write them. They are data: nothing imports them
bugs.toml   what can be planted where
bugs        reads both
hunt        chooses a bug for each student, and plants it
students    the list of a class, and a file name for each
key         what the instructor keeps
files       writes all, or nothing
"""
