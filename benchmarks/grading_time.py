"""How long a student waits: `python grade.py FILE`, from start to end. `python -m benchmarks.grading_time`.

Right programs, programs with one known mistake, with two, and programs that nothing explains, each drawn from the
tests' submissions, in turn.
"""

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.diagnosis import possible_pairs
from tests.corpus import CORRECT, MISTAKES, ROOT, UNKNOWN, declared, with_edits


@dataclass(frozen=True)
class Options:
    """How much to measure."""

    runs: int = 40
    """Submissions of each kind."""


def seconds(text: str, assignment: str, suffix: str = ".py") -> float:
    """Grade a program by the command line."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"submission{suffix}"
        file.write_text(text, encoding="utf-8")
        command = [sys.executable, "grade.py", "--assignment", f"assignments/{assignment}", str(file)]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"grade.py ended with {done.returncode}")
        return time.perf_counter() - started


def main() -> None:
    """Measure in turn, and print a table."""
    options, rng = tyro.cli(Options), random.Random(0)
    single = [
        (with_edits(m["assignment"], m["edits"]), m["assignment"]) for m in MISTAKES.values() if "changes" not in m
    ]
    pairs = [
        (
            with_edits(MISTAKES[a]["assignment"], [*MISTAKES[a]["edits"], *MISTAKES[b]["edits"]]),
            MISTAKES[a]["assignment"],
        )
        for a, b in rng.sample(possible_pairs(), options.runs)
    ]
    files = {
        kind: [(path.read_text(encoding="utf-8"), declared(path, "assignment"), path.suffix) for path in paths]
        for kind, paths in (("right", CORRECT), ("wrong, in no catalogue", UNKNOWN))
    }
    kinds = {"right": files["right"], "one known mistake": single, "two": pairs, **files}
    seconds(*files["right"][0])  # the files of Python and NumPy are read once
    table = Table("submission", "runs", "median s", "largest s")
    for kind, programs in kinds.items():
        times = [seconds(*rng.choice(programs)) for _ in range(options.runs)]
        table.add_row(kind, str(len(times)), f"{median(times):.2f}", f"{max(times):.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
