"""The list of a class, and a file name for each student."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from backprop.functions import unknown_name
from grading.bug_hunt.bugs import HuntError

COLUMNS = ("id", "email", "name")
"""Headers of the column that says who it is. Where there are several, the first of these."""
LONGEST_NAME = 200  # characters
LONGEST_STEM = 100  # bytes
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
"""Names that no file can have on Windows."""


def read_students(path: Path) -> list[str]:
    """The students of a list, in its order: one a line, or a CSV file with a header.

    Raises:
        HuntError: where it cannot be read, holds nobody, or somebody twice.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise HuntError(f"{path} was not found; expected a list of students.") from None
    except OSError as error:
        raise HuntError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise HuntError(f"{path} is not text in UTF-8; in a spreadsheet, save it as CSV UTF-8.") from None
    places: dict[str, list[int]] = {}
    for line, name in _names(path, text.replace("\r\n", "\n").replace("\r", "\n")):
        if not name:
            raise HuntError(f"{path}, line {line}: nobody is named; expected a name or id in each row.")
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise HuntError(f"{path}, line {line}: expected a name or id of at most {LONGEST_NAME} characters.")
        places.setdefault(name, []).append(line)
    if not places:
        raise HuntError(f"{path} holds no student; expected one name or id a line.")
    twice = [f"{name} (lines {', '.join(map(str, lines))})" for name, lines in places.items() if len(lines) > 1]
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise HuntError(f"{path} names more than once: {', '.join(twice[:3])}{more}; expected each student once.")
    return list(places)


def _names(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and names."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    for delimiter in ",;\t":
        header = _cells(lines[first], delimiter)
        column = next((header.index(name) for name in COLUMNS if name in header), None)
        if column is not None:
            yield from _of_column(path, lines[first + 1 :], delimiter, column, first + 2)
            return
    if path.suffix.lower() == ".csv":
        found = max((_cells(lines[first], delimiter) for delimiter in ",;\t"), key=len)
        likely = [unknown_name("column", cell, COLUMNS) for cell in found]
        problem = next((sentence for sentence in likely if "Did you mean" in sentence), likely[0])
        raise HuntError(f"{path}, line {first + 1}: no column is known: {problem}")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _one_line(line)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip(' "').casefold() for cell in line.split(delimiter)]


def _of_column(path: Path, lines: Sequence[str], delimiter: str, column: int, start: int) -> Iterator[tuple[int, str]]:
    rows = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    before = 0
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield start + before, _one_line(row[column]) if column < len(row) else ""
            before = rows.line_num
    except csv.Error as error:
        raise HuntError(f"{path}, line {start + before}: this is not CSV: {error}.") from None


def _one_line(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


# --- file names -----------------------------------------------------------------------------------------------------


def file_names(students: Iterable[str]) -> dict[str, str]:
    """A name for each student's file, safe on every system: letters and digits of any script, `-` and `_`.

    Where two would be alike but for capitals, where a name is too long, or one that not every system allows, a piece of
    its hash follows behind a dot, which stands in no other name.

    Example:
        >>> file_names(["Ada Lovelace", "../../etc/passwd", "李小龙", "???", "a b", "A_b"])
        {'Ada Lovelace': 'Ada_Lovelace.py', '../../etc/passwd': 'etc_passwd.py', '李小龙': '李小龙.py',
         '???': 'student.a03b221c6c6e.py', 'a b': 'a_b.c8687a08aa5d.py', 'A_b': 'A_b.08eb65adb1a8.py'}
    """
    stems = {student: _stem(student) for student in students}
    alike = Counter(_folded(stem) for stem, _ in stems.values())
    return {
        student: f"{stem}.py" if whole and alike[_folded(stem)] == 1 else f"{stem}.{_digest(student)}.py"
        for student, (stem, whole) in stems.items()
    }


def _stem(student: str) -> tuple[str, bool]:
    """A file's name without its ending, and whether it may stand alone."""
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "-" else "_" for c in _one_line(student))
    kept = re.sub("__+", "_", kept).strip("-_")
    short = kept.encode()[:LONGEST_STEM].decode(errors="ignore")
    return short or "student", bool(short) and short == kept and not RESERVED.fullmatch(short)


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", stem).casefold())


def _digest(student: str) -> str:
    return hashlib.sha256(student.encode()).hexdigest()[:12]
