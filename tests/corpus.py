"""The submissions in `tests/submissions/`: whole programs, written as students write them.

Every entry of the catalogue has one, made from a right program by the edits in `mistakes.toml`; `correct/` has right
programs in many styles, `unknown/` wrong ones that no entry describes.
"""

import re
import tomllib
from pathlib import Path

from grading.assignment import parse_assignment, read_assignment
from grading.grader import grade_in
from grading.sandbox import Source

ROOT = Path(__file__).parents[1]
SUBMISSIONS = ROOT / "tests" / "submissions"
ASSIGNMENTS = {folder.name: read_assignment(folder) for folder in (ROOT / "assignments").iterdir() if folder.is_dir()}
BASES = {"backprop": "backprop.py", "softmax": "softmax.py", "network-class": "network_class.py"}
MISTAKES = tomllib.loads((SUBMISSIONS / "mistakes.toml").read_text(encoding="utf-8"))
CORRECT = sorted((SUBMISSIONS / "correct").iterdir())
UNKNOWN = sorted((SUBMISSIONS / "unknown").iterdir())


def with_edits(assignment, edits):
    """A right program with some of its text replaced."""
    text = (SUBMISSIONS / BASES[assignment]).read_text(encoding="utf-8")
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{text.count(old)} times in the program: {old!r}")
        text = text.replace(old, new)
    return text


def graded(sandbox, text, assignment, seed, name="submission.py", **changes):
    """Grade a program; `changes` are other values for keys of the assignment."""
    source = Source(name, text.encode(), name.endswith(".ipynb"))
    return grade_in(sandbox, source, changed(assignment, changes) if changes else ASSIGNMENTS[assignment], seed)


def changed(assignment, changes):
    """An assignment with other values for some of its keys."""
    table = tomllib.loads((ROOT / "assignments" / assignment / "assignment.toml").read_text(encoding="utf-8"))
    return parse_assignment(table | changes, assignment)


def graded_mistake(sandbox, name, seed):
    """Grade the submission of an entry. Returns the report, and the finding in which it must be named."""
    entry = MISTAKES[name]
    text = with_edits(entry["assignment"], entry["edits"])
    report = graded(sandbox, text, entry["assignment"], seed, **entry.get("changes", {}))
    return report, next(f for f in report.findings if f.question.function == entry["named_in"])


def is_named(name, finding):
    """Whether a report names the mistake of a submission, and nothing that is not there.

    `gap` marks ways to make a mistake that are not recognised yet; `also` what may rightly be named beside it.
    """
    entry = MISTAKES[name]
    if entry.get("gap"):
        return True
    expected = {entry_of(name), *entry.get("also", [])}
    return entry_of(name) in named(finding) and {mistake.name for mistake in finding.mistakes} <= expected


def graded_file(sandbox, path, seed):
    """Grade a whole file, with the assignment that it declares."""
    return graded(sandbox, path.read_text(encoding="utf-8"), declared(path, "assignment"), seed, path.name)


def named(finding):
    """All names that the report gives: what it says first, what has the same values, and behaviour."""
    found = {name for explanation in finding.explanations for name in explanation.names}
    return found | {mistake.name for mistake in finding.behaviour}


def entry_of(name):
    """The catalogue's name of a table of `mistakes.toml`."""
    return name.partition("@")[0]


def declared(path, key, default=""):
    """What a file's comment lines say, such as `# assignment: backprop`."""
    found = re.search(rf"{key}: ([\w-]+)", path.read_text(encoding="utf-8"))
    return found.group(1) if found else default
