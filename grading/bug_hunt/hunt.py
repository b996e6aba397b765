"""Which bug does a student get, and what is the file with it? Nothing here reads a clock, a file of the user or chance.

**Chance.** Every choice is the SHA-256 of a few words: seed, student, program, bug. NumPy does not promise that its
generators give the same numbers in its next version; a hash gives them for ever. So the same seed, list and programs
give the same files, on every machine.

**Who gets what.** Students choose in turn, in an order that seed and names decide, not their order in the list. Each
takes the bug that has been handed out least; of several the one whose mistake has been handed out least, and of several
such the one that the hash prefers. So no two get the same bug, nor the same mistake, as long as there are enough; with
more students than bugs, all bugs are used equally often. A name added later may change what others get.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grading.bug_hunt.bugs import Bug, program_text

DEFAULT_ASSIGNMENT = "backprop"

HEAD = '''"""A bug hunt: one line of this file is wrong. All others are right.

Find it on paper first: which formula of the lecture does which line compute? Mend that line, no other, and then let the
grader say whether that was it:

    {command}

Now the program itself.

'''


@dataclass(frozen=True)
class Hunt:
    """A file to be handed out.

    Attributes:
        student: whose it is; empty where there is no list.
        bug: what was planted.
        text: the file.
        line_number: of the planted line, from 1.
    """

    student: str
    bug: Bug
    text: str
    line_number: int


def plant(bug: Bug, student: str = "") -> Hunt:
    """The bug's program with its one line changed, and what a student must know in front of it."""
    text = with_head(program_text(bug.program), bug.assignment)
    lines = text.split("\n")
    place = lines.index(bug.right)
    lines[place] = bug.wrong
    return Hunt(student, bug, "\n".join(lines), place + 1)


def with_head(text: str, assignment: str) -> str:
    """A program whose docstring begins with what a bug hunt is."""
    option = "" if assignment == DEFAULT_ASSIGNMENT else f"--assignment assignments/{assignment} "
    return HEAD.format(command=f"python grade.py {option}THIS_FILE") + text.removeprefix('"""')


def choose(bugs: Sequence[Bug], seed: int, students: Sequence[str] = ("",)) -> dict[str, Bug]:
    """A bug for each student, in the order of the list.

    Args:
        bugs: those to choose from, at least one.
        seed: 0 or more.
        students: names, no two alike.
    """
    handed_out: Counter[Bug] = Counter()
    made: Counter[str] = Counter()
    chosen: dict[str, Bug] = {}
    for student in sorted(students, key=lambda name: _hash(seed, name)):
        ranks = {bug: _hash(seed, student, bug.program, bug.way) for bug in bugs}
        _, _, _, bug = min((handed_out[bug], made[bug.mistake.name], rank, bug) for bug, rank in ranks.items())
        handed_out[bug] += 1
        made[bug.mistake.name] += 1
        chosen[student] = bug
    return {student: chosen[student] for student in students}


def _hash(seed: int, *words: str) -> bytes:
    """An arbitrary number that depends on all of its arguments, for ever the same."""
    text = "\n".join([str(seed), *(unicodedata.normalize("NFC", word) for word in words)])
    return hashlib.sha256(text.encode()).digest()
