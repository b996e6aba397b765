"""What the instructor keeps: where the bug is and what it is, as CSV for a class, as text for one file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from grading.bug_hunt.hunt import Hunt

HEADER = ("student", "file", "line", "as written", "as it should be", "mistake", "what it is", "hint")


def key_as_csv(hunts: Iterable[tuple[str, Hunt]]) -> str:
    """The key: for each file name and hunt a row. Lines of code keep their indentation, which may be the bug."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for file, hunt in hunts:
        bug = hunt.bug
        writer.writerow(
            [
                _no_formula(hunt.student),
                file,
                hunt.line_number,
                bug.wrong,
                bug.right,
                bug.mistake.name,
                bug.mistake.says,
                bug.mistake.hint,
            ]
        )
    return text.getvalue()


def _no_formula(name: str) -> str:
    """A spreadsheet computes what begins so; a student's name must not make it."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def print_solution(console: Console, hunt: Hunt, seed: int) -> None:
    """One file's key, for people."""
    mistake = hunt.bug.mistake
    where = f"   {hunt.bug.assignment}, {hunt.bug.program}, seed {seed}"
    console.print(Text.assemble((f"Line {hunt.line_number}", "bold"), where))
    console.print()
    for indent, line in _lines(hunt):
        console.print(Padding(Text(line), (0, 0, 0, indent)))
    console.print()
    console.print(Text(mistake.name, style="bold"))
    console.print(Padding(Text(f"{mistake.says[:1].upper()}{mistake.says[1:]}."), (0, 0, 0, 2)))
    for line in (f"as done:         {mistake.done}", f"as it should be: {mistake.right}"):
        console.print(Padding(Text(line), (0, 0, 0, 6)))
    console.print(Padding(Text(mistake.hint), (0, 0, 0, 2)))


def _lines(hunt: Hunt) -> Iterator[tuple[int, str]]:
    """The two lines below each other, so that what differs is seen; all that both have in front is left out."""
    common = min(len(line) - len(line.lstrip()) for line in (hunt.bug.wrong, hunt.bug.right))
    for title, line in (("as written", hunt.bug.wrong), ("as it should be", hunt.bug.right)):
        yield 2, title
        yield 6 + len(line) - len(line.lstrip()) - common, line.strip()
