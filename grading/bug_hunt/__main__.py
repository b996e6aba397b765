"""Hand out bugs: `python -m grading.bug_hunt --seed N`. The work is in the modules beside this one."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from backprop.functions import unknown_name
from command_line import exit_status, rendered, write
from grading.assignment import AssignmentError
from grading.bug_hunt.bugs import ASSIGNMENTS, Bug, HuntError, read_bugs
from grading.bug_hunt.files import write_all
from grading.bug_hunt.hunt import DEFAULT_ASSIGNMENT, Hunt, choose, plant
from grading.bug_hunt.key import key_as_csv, print_solution
from grading.bug_hunt.students import file_names, read_students


@dataclass(frozen=True)
class Options:
    """Write a correct program with one line changed, for students to find: one file, or one for each of a class.

    The exit status is 0 when all is written, 2 for bad usage or input.
    """

    seed: int
    """Decides which bug. The same seed gives the same files for ever: students must not know it, nor guess it."""
    assignment: Annotated[str, tyro.conf.arg(metavar="backprop|softmax|network-class")] = DEFAULT_ASSIGNMENT
    """What the program solves; its folder under assignments/ will do too."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """The file to write, bug_hunt.py without it; with --students the folder, bug_hunt without it."""
    students: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A list, one name or id a line, or a CSV file with a column id, email or name: a file for each, each with another
    bug."""
    key: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the solutions there, as CSV."""
    solution: bool = False
    """Print the solution of the one file instead of writing it."""
    force: bool = False
    """Replace files that are there."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 done, 2 usage, 130 interrupted."""

    def work() -> int:
        write(run(tyro.cli(Options, args=argv, prog="python -m grading.bug_hunt")))
        return 0

    return exit_status("bug_hunt", work, refused=(HuntError, AssignmentError))


def run(options: Options) -> str:
    """Do what the options say. Returns what is to be printed.

    Raises:
        HuntError: where something cannot be used; nothing is written then.
    """
    if options.seed < 0:
        raise HuntError(f"--seed is {options.seed}; expected 0 or more.")
    bugs = read_bugs()
    assignment = _assignment(options.assignment, bugs)
    bugs = tuple(bug for bug in bugs if bug.assignment == assignment)
    if options.solution:
        return _solution(options, bugs, options.seed)
    if options.students is None:
        return _one(options, bugs, options.seed)
    return _class(options, bugs, options.seed, options.students)


def _assignment(text: str, bugs: Sequence[Bug]) -> str:
    """The name of an assignment, given as such or as its folder."""
    folder = Path(text).resolve()
    name = folder.name if folder.parent == ASSIGNMENTS else text
    known = list(dict.fromkeys(bug.assignment for bug in bugs))
    if name not in known:
        raise HuntError(unknown_name("--assignment", text, known))
    return name


def _solution(options: Options, bugs: Sequence[Bug], seed: int) -> str:
    for option in ("output", "students", "key"):
        if getattr(options, option) is not None:
            raise HuntError(f"--solution only prints; leave out --{option}. For the solutions of a class: --key FILE.")
    hunt = plant(choose(bugs, seed)[""])
    return rendered(lambda console: print_solution(console, hunt, seed))


def _one(options: Options, bugs: Sequence[Bug], seed: int) -> str:
    output = options.output or Path("bug_hunt.py")
    if output.suffix.lower() != ".py" and not output.is_dir():
        raise HuntError(f"--output is {output}; expected a name that ends in .py, as grade.py wants it.")
    hunt = plant(choose(bugs, seed)[""])
    files = {output: hunt.text.encode()}
    _add_key(files, options, [(output.name, hunt)])
    write_all(files, None, options.force)
    return _summary([f"{output}: one line of it is wrong"], options, hunt.bug.assignment, str(output))


def _class(options: Options, bugs: Sequence[Bug], seed: int, list_of_students: Path) -> str:
    folder = options.output or Path("bug_hunt")
    students = read_students(list_of_students)
    names = file_names(students)
    chosen = choose(bugs, seed, students)
    hunts = [(names[student], plant(bug, student)) for student, bug in chosen.items()]
    files = {folder / name: hunt.text.encode() for name, hunt in hunts}
    _add_key(files, options, hunts)
    write_all(files, folder, options.force)
    return _summary(
        [f"{len(hunts)} files in {folder}: one line of each is wrong", *_how_different(hunts, len(bugs))],
        options,
        bugs[0].assignment,
        str(folder / hunts[0][0]),
    )


def _add_key(files: dict[Path, bytes], options: Options, hunts: Sequence[tuple[str, Hunt]]) -> None:
    if options.key is None:
        return
    key = options.key.resolve()
    if options.students is not None:
        if key == options.students.resolve():
            raise HuntError(f"--key is {options.key}, the list of students; expected another file.")
        if any(path.parent.resolve() == key.parent for path in files):
            raise HuntError(f"--key is {options.key}, in the folder that is handed out; expected another place.")
    elif key in {path.resolve() for path in files}:
        raise HuntError(f"--key is {options.key}, the file that is handed out; expected another file.")
    files[options.key] = key_as_csv(hunts).encode("utf-8-sig")  # with the mark that spreadsheets look for


def _how_different(hunts: Sequence[tuple[str, Hunt]], pool: int) -> Iterator[str]:
    bugs = Counter(hunt.bug for _, hunt in hunts)
    mistakes = {hunt.bug.mistake.name for _, hunt in hunts}
    if len(hunts) <= pool:
        yield f"no two the same: {len(hunts)} of {pool} bugs, {len(mistakes)} different mistakes"
    else:
        least, most = min(bugs.values()), max(bugs.values())
        often = f"{most} times" if least == most else f"{least} or {most} times"
        yield f"more students than the {pool} bugs there are: each bug is used {often}"


def _summary(lines: Sequence[str], options: Options, assignment: str, example: str) -> str:
    option = "" if assignment == DEFAULT_ASSIGNMENT else f"--assignment assignments/{assignment} "
    rows = [("Written", lines[0]), *(("", line) for line in lines[1:])]
    rows.append(("Check", f"python grade.py {option}{shlex.quote(example)}"))
    if options.key is not None:
        rows.append(("Key", str(options.key)))
    elif options.students is None:
        option = "" if assignment == DEFAULT_ASSIGNMENT else f"--assignment {assignment} "
        rows.append(("Solution", f"python -m grading.bug_hunt --seed {options.seed} {option}--solution"))
    return "".join(f"{title:<10}{text}\n" for title, text in rows)


if __name__ == "__main__":
    sys.exit(main())
