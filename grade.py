"""Grade a student's backpropagation: `python grade.py my_backprop.py`.

The work is in `grading/`. TensorFlow is not needed, and never imported.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from grading.assignment import AssignmentError, read_assignment
from grading.grader import Report, grade
from grading.report import as_json, print_report
from grading.sandbox import GraderFault, SandboxUnavailable, Source, SourceError

ASSIGNMENTS = Path(__file__).parent / "assignments"


@dataclass(frozen=True)
class Options:
    """Grade a submission: points for each function, and where something is wrong, which mistake it is.

    The exit status is 0 when all is correct, 1 when not, 2 for bad usage or input, 3 when the grader itself failed.
    """

    submission: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The student's file: .py or .ipynb."""
    assignment: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = ASSIGNMENTS / "backprop"
    """Folder with an assignment.toml: what is asked, in which layout, for how many points."""
    seed: int = 0
    """Seed of the problems. Another seed changes every one of them."""
    json: bool = False
    """Print everything as JSON, for other programs."""
    unsafe: bool = False
    """Go on where this system cannot protect itself from the submission: for files that you trust."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 all correct, 1 not all, 2 usage, 3 grader fault, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a student's text may hold what the terminal cannot show
    options = tyro.cli(Options, args=argv, prog="grade.py")
    try:
        if options.seed < 0:
            return _complain(f"--seed is {options.seed}; expected 0 or more.")
        assignment = read_assignment(options.assignment)
        source = Source.read(options.submission)
        report = grade(source, assignment, options.seed, options.unsafe)
        text = json.dumps(as_json(report), indent=2, allow_nan=False) + "\n" if options.json else rendered(report)
    except (AssignmentError, SourceError, SandboxUnavailable) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        print("grade.py: interrupted.", file=sys.stderr)
        return 130
    except GraderFault as error:
        print(f"grade.py: the grader failed, not the submission: {error}", file=sys.stderr)
        return 3
    except Exception:
        traceback.print_exc()
        print("grade.py: the grader failed, not the submission; the lines above say where.", file=sys.stderr)
        return 3
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _complain(f"the report cannot be written: {error.strerror or error}")
    return 0 if report.correct else 1


def rendered(report: Report) -> str:
    """The report for people, as the terminal at hand shows it."""
    console = Console(highlight=False)
    with console.capture() as capture:
        print_report(console, report)
    return capture.get()


def _complain(message: str) -> int:
    print(f"grade.py: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
