"""The bugs that can be planted: `bugs.toml`, checked against the programs and the catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from backprop.functions import unknown_name
from grading.assignment import read_assignment
from grading.mistakes import BEHAVIOUR, CATALOGUE, Mistake, applicable, setting_of

FOLDER = Path(__file__).parent
ASSIGNMENTS = FOLDER.parents[1] / "assignments"
MISTAKES: Mapping[str, Mistake] = {mistake.name: mistake for mistake in (*CATALOGUE, *BEHAVIOUR)}


class HuntError(Exception):
    """Something cannot be used. The message is one line: what was found, what was expected."""


@dataclass(frozen=True, order=True)
class Bug:
    """One line of one program, and the same line with a mistake in it.

    Attributes:
        assignment: the folder under `assignments/` that the program solves.
        program: the file in `programs/`, without its `.py`.
        way: the catalogue's name of the mistake; behind an @, which way to make it.
        right: the line as it stands in the program, without its end.
        wrong: the line as it is handed out.
        also: other names that a report may give with it.
    """

    assignment: str
    program: str
    way: str
    right: str
    wrong: str
    also: tuple[str, ...] = ()

    @property
    def mistake(self) -> Mistake:
        """The catalogue's entry."""
        return MISTAKES[self.way.partition("@")[0]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Line = Annotated[str, Field(pattern=r"^[^\r\n]*\S$")]


class _Planted(_Strict):
    right: Line
    wrong: Line
    also: Annotated[tuple[str, ...], Field(strict=False)] = ()


class _Program(_Strict):
    assignment: str
    bugs: Annotated[dict[str, _Planted], Field(min_length=1)]


_TABLES = TypeAdapter(dict[str, _Program])


def program_text(name: str) -> str:
    """A correct program."""
    return (FOLDER / "programs" / f"{name}.py").read_text(encoding="utf-8")


def read_bugs(file: Path = FOLDER / "bugs.toml") -> tuple[Bug, ...]:
    """All bugs, in the order of the file.

    Raises:
        HuntError: where the file is not what it should be; the first thing that is wrong, with its key.
    """
    try:
        tables = _TABLES.validate_python(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HuntError(f"{file.name} cannot be read: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise HuntError(f"{file.name}: {key}: {first['msg']}; found {first['input']!r:.60}.") from None
    bugs = tuple(
        Bug(table.assignment, program, way, planted.right, planted.wrong, planted.also)
        for program, table in tables.items()
        for way, planted in table.bugs.items()
    )
    for problem in _problems(bugs):
        raise HuntError(f"{file.name}: {problem}")
    return bugs


def _problems(bugs: tuple[Bug, ...]) -> Iterator[str]:
    folders = sorted(path.name for path in ASSIGNMENTS.iterdir() if path.is_dir())
    programs = sorted(path.stem for path in (FOLDER / "programs").glob("*.py"))
    possible: dict[str, set[str]] = {}
    lines: dict[str, list[str]] = {}
    for bug in bugs:
        where = f"{bug.program}.bugs.{bug.way}"
        if bug.program not in programs:
            yield f"{bug.program}: {unknown_name('program', bug.program, programs)}"
            continue
        if bug.assignment not in folders:
            yield f"{bug.program}: {unknown_name('assignment', bug.assignment, folders)}"
            continue
        if bug.assignment not in possible:
            setting = setting_of(read_assignment(ASSIGNMENTS / bug.assignment))
            possible[bug.assignment] = {mistake.name for mistake in (*applicable(setting), *BEHAVIOUR)}
        for name in (bug.way.partition("@")[0], *bug.also):
            if name not in possible[bug.assignment]:
                yield f"{where}: {unknown_name('mistake', name, possible[bug.assignment])}"
        text = lines.setdefault(bug.program, program_text(bug.program).split("\n"))
        if text.count(bug.right) != 1:
            yield f"{where}: right stands {text.count(bug.right)} times in programs/{bug.program}.py; expected once."
        if bug.wrong == bug.right:
            yield f"{where}: right and wrong are the same line."
