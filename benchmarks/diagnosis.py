"""How well mistakes are named: over many seeds, and two at a time. `python -m benchmarks.diagnosis --seeds 20`.

The submissions are those of the tests, written without the catalogue's rules. Pairs are made of the edits of two of
them, where both can be made in one program.
"""

import itertools
import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.progress import track

from grading.sandbox import Sandbox
from tests.corpus import (
    CORRECT,
    MISTAKES,
    UNKNOWN,
    entry_of,
    graded,
    graded_file,
    graded_mistake,
    is_named,
    named,
    with_edits,
)


@dataclass(frozen=True)
class Options:
    """How much to measure."""

    seeds: int = 20
    """Seeds for each submission."""
    pairs: int = 1000
    """Pairs of mistakes in one program, drawn at random."""


def single(job: tuple[str, int]) -> tuple[str, str]:
    """One known mistake: ("named" | "misnamed" | "UNDETECTED", what)."""
    name, seed = job
    with Sandbox() as sandbox:
        report, finding = graded_mistake(sandbox, name, seed)
    if report.correct:
        return "UNDETECTED", f"{name}, seed {seed}"
    return ("named", "") if is_named(name, finding) else ("misnamed", f"{name}, seed {seed}: {sorted(named(finding))}")


def whole(job: tuple[int, bool, int]) -> tuple[str, str]:
    """A whole program, right or wrong: does it earn everything?"""
    index, right, seed = job
    path = (CORRECT if right else UNKNOWN)[index]
    with Sandbox() as sandbox:
        report = graded_file(sandbox, path, seed)
    if right:
        return ("full marks", "") if report.correct else ("NOT FULL MARKS", f"{path.name}, seed {seed}")
    return ("FULL MARKS", f"{path.name}, seed {seed}") if report.correct else ("not full marks", "")


def pair(job: tuple[str, str, int]) -> tuple[str, str]:
    """Two known mistakes in one program."""
    first, second, seed = job
    entry = MISTAKES[first]
    text = with_edits(entry["assignment"], [*entry["edits"], *MISTAKES[second]["edits"]])
    with Sandbox() as sandbox:
        report = graded(sandbox, text, entry["assignment"], seed)
    if report.correct:
        return "UNDETECTED", f"{first} with {second}, seed {seed}"
    found = set().union(*(named(finding) for finding in report.findings))
    count = len({entry_of(first), entry_of(second)} & found)
    return ("neither named", "one named", "both named")[count], f"{first} with {second}: {sorted(found)}" * (count < 2)


def possible_pairs() -> list[tuple[str, str]]:
    """Pairs of different entries whose edits can be made in one program, and are then still two."""
    found = []
    for first, second in itertools.permutations(MISTAKES, 2):
        a, b = MISTAKES[first], MISTAKES[second]
        if a["assignment"] != b["assignment"] or a.get("changes") or b.get("changes") or first > second:
            continue
        if entry_of(first) == entry_of(second):
            continue
        try:
            with_edits(a["assignment"], [*a["edits"], *b["edits"]])
        except ValueError:
            continue
        found.append((first, second))
    return found


def main() -> None:
    """Measure, and print what was not as it should be."""
    options, console = tyro.cli(Options), Console()
    pairs = possible_pairs()
    chosen = random.Random(0).sample(pairs, min(options.pairs, len(pairs)))
    seeds = range(options.seeds)
    jobs = {
        "one mistake": (single, [(name, seed) for name in MISTAKES for seed in seeds]),
        "right programs": (whole, [(i, True, seed) for i in range(len(CORRECT)) for seed in seeds]),
        "wrong, in no catalogue": (whole, [(i, False, seed) for i in range(len(UNKNOWN)) for seed in seeds]),
        f"two mistakes, of {len(pairs)} pairs": (pair, [(*two, seed % 20) for seed, two in enumerate(chosen)]),
    }
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for title, (function, work) in jobs.items():
            counts: Counter[str] = Counter()
            for outcome, detail in track(pool.map(function, work, chunksize=4), title, len(work), console=console):
                counts[outcome] += 1
                if detail:
                    console.print(f"  {outcome}: {detail}", highlight=False)
            console.print(title, dict(counts))


if __name__ == "__main__":
    main()
