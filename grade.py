"""Grade a student's backpropagation: `python grade.py my_backprop.py`.

The work is in `grading/`. TensorFlow is not needed, and never imported.
"""

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from command_line import complain, exit_status, rendered, write
from grading.assignment import AssignmentError, read_assignment
from grading.grader import Report, grade
from grading.report import as_json, print_report
from grading.sandbox import GraderFault, SandboxUnavailable, Source, SourceError

ASSIGNMENTS = Path(__file__).parent / "assignments"
REFUSED = (AssignmentError, SourceError, SandboxUnavailable)


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

    def work() -> int:
        options = tyro.cli(Options, args=argv, prog="grade.py")
        if options.seed < 0:
            complain("grade.py", f"--seed is {options.seed}; expected 0 or more.")
            return 2
        try:
            assignment = read_assignment(options.assignment)
            report = grade(Source.read(options.submission), assignment, options.seed, options.unsafe)
            text = as_text(report) if options.json else rendered(lambda console: print_report(console, report))
        except REFUSED:
            raise
        except GraderFault as error:
            complain("grade.py", f"the grader failed, not the submission: {error}")
            return 3
        except Exception:
            traceback.print_exc()
            complain("grade.py", "the grader failed, not the submission; the lines above say where.")
            return 3
        write(text)
        return 0 if report.correct else 1

    return exit_status("grade.py", work, refused=REFUSED)


def as_text(report: Report) -> str:
    """The report for programs."""
    return json.dumps(as_json(report), indent=2, allow_nan=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
