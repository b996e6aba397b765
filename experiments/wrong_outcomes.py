"""What came of trainings with mistakes in them, for people and for other programs."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from experiments.wrong_training import CORRECT, Trained

NEAR = 0.02
"""Accuracies as close as this, 2 points, are taken for each other by those who look at nothing else."""


@dataclass(frozen=True)
class Verdict:
    """What the gradient check says of a training.

    Attributes:
        step: the first that does not agree, from 1; None where all agree.
        tensor: of the largest error, such as "hidden_1 kernel" or "output bias update"; empty where there is none.
        error: the largest in that step, or in all where all agree; inf or NaN where it is beyond all numbers.
        tolerance: the largest error that counts as agreement.
        steps_checked: how many steps were, with the wrong one.
        message: what the check says; empty where all agree.
    """

    step: int | None
    tensor: str
    error: float
    tolerance: float
    steps_checked: int
    message: str

    @property
    def agrees(self) -> bool:
        """Whether nothing was found."""
        return self.step is None

    @property
    def in_short(self) -> str:
        """As the table and TensorBoard have it."""
        return "all agree" if self.step is None else f"FAILED at step {self.step:,}"


@dataclass(frozen=True)
class Outcome:
    """A training and what the check says of it: None where it stopped before there was anything to check."""

    trained: Trained
    verdict: Verdict | None


def by_accuracy(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The best first, what ended without a number last."""
    return sorted(outcomes, key=lambda o: (-_number_or(o.trained.accuracy, -1.0), -o.trained.num_steps, o.trained.name))


def _number_or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


# --- the table --------------------------------------------------------------------------------------------------


def table_of(outcomes: Sequence[Outcome]) -> Table:
    """All of them, 80 columns wide."""
    correct = _correct(outcomes)
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("\nmistake", width=27)
    for head, width in (("test\n%", 5), ("against\ncorrect", 7), ("cosine\nfirst", 6), ("cosine\nlast", 6)):
        table.add_column(head, justify="right", width=width)
    table.add_column("fails\nat step", justify="right", width=7)
    table.add_column("\nworst tensor", width=15)
    for outcome in by_accuracy(outcomes):
        table.add_row(*_row(outcome, correct), style="bold" if outcome is correct else "")
    return table


def _row(outcome: Outcome, correct: Outcome) -> Iterator[str]:
    trained, verdict = outcome.trained, outcome.verdict
    yield "\n".join(textwrap.wrap(trained.name, 27))
    yield _percent(trained.accuracy)
    yield "" if outcome is correct else _points(trained.accuracy - correct.trained.accuracy)
    cosines = [look.cosine for look in trained.looks if not math.isnan(look.cosine)]
    yield f"{cosines[0]:.2f}" if cosines else "-"
    yield f"{cosines[-1]:.2f}" if cosines else "-"
    yield "-" if verdict is None else ("never" if verdict.step is None else f"{verdict.step:,}")
    yield _remark(outcome)


def _remark(outcome: Outcome) -> str:
    """The worst tensor; where the training did not come to its end, how it ended."""
    trained, verdict = outcome.trained, outcome.verdict
    tensor = "" if verdict is None or verdict.agrees else verdict.tensor
    ends = {
        "done": "",
        "error": f"shapes stop it at step {trained.num_steps + 1:,}",
        "not finite": f"no number from step {trained.num_steps:,}",
        "cut": f"cut at step {trained.num_steps:,}",
    }
    return "; ".join(filter(None, (tensor, ends[trained.end])))


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def _points(difference: float) -> str:
    return "" if math.isnan(difference) else f"{100 * difference:+.1f}"


def _correct(outcomes: Sequence[Outcome]) -> Outcome:
    return next(outcome for outcome in outcomes if outcome.trained.name == CORRECT)


# --- the last paragraph -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """How many mistakes do what. Each is one of the first five.

    Attributes:
        near: end at most 2 points from the correct training.
        far: end further from it.
        not_finite: end in what is no number.
        stopped: stop at shapes that do not fit.
        better: of `near` and `far`, those that end above the correct training.
        reported: that the check reports.
        reported_first: at the first step.
        near_reported: of `near`, those that it reports.
        unchecked: that stop before there is anything to check.
        short: names of those that it does not report, and that do fewer steps than the correct training.
        unseen: names of the others that it does not report.
        cut: names of those that were cut.
    """

    near: int
    far: int
    not_finite: int
    stopped: int
    better: int
    reported: int
    reported_first: int
    near_reported: int
    unchecked: int
    short: tuple[str, ...]
    unseen: tuple[str, ...]
    cut: tuple[str, ...]

    @property
    def mistakes(self) -> int:
        """All of them."""
        return self.near + self.far + self.not_finite + self.stopped


def count(outcomes: Sequence[Outcome]) -> Counts:
    """Count them."""
    correct = _correct(outcomes)
    wrong = [outcome for outcome in outcomes if outcome is not correct]
    trained = [o for o in wrong if o.trained.end in ("done", "cut")]
    near = [o for o in trained if abs(o.trained.accuracy - correct.trained.accuracy) <= NEAR]
    reported = [o for o in wrong if o.verdict and not o.verdict.agrees]
    silent = [o for o in wrong if o.verdict and o.verdict.agrees]
    short = [o for o in silent if o.trained.num_steps < correct.trained.num_steps]
    return Counts(
        near=len(near),
        far=len(trained) - len(near),
        not_finite=sum(o.trained.end == "not finite" for o in wrong),
        stopped=sum(o.trained.end == "error" for o in wrong),
        better=sum(o.trained.accuracy > correct.trained.accuracy for o in trained),
        reported=len(reported),
        reported_first=sum(o.verdict is not None and o.verdict.step == 1 for o in reported),
        near_reported=sum(o in reported for o in near),
        unchecked=sum(o.verdict is None for o in wrong),
        short=_names(short),
        unseen=_names([o for o in silent if o not in short]),
        cut=_names([o for o in wrong if o.trained.end == "cut"]),
    )


def _names(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(sorted(outcome.trained.name for outcome in outcomes))


def paragraph(outcomes: Sequence[Outcome]) -> list[str]:
    """What it all comes to: a few sentences, each for a line of its own."""
    counts, accuracy = count(outcomes), _correct(outcomes).trained.accuracy
    if counts.mistakes == 0:
        return [f"The correct network ends at {100 * accuracy:.1f} %."]
    lines = [
        f"Of {in_words(counts.mistakes)} {counts.near} end within {100 * NEAR:g} points of the correct network's "
        f"{100 * accuracy:.1f} %, {counts.far} further away, {counts.not_finite} in no number at all, and "
        f"{counts.stopped} stop at shapes that do not fit. Better than the correct network: {counts.better}.",
        f"The gradient check reports {counts.reported} of {counts.mistakes}, {counts.reported_first} at the first "
        f"step; of the {counts.near} that accuracy lets pass, {counts.near_reported}. Stopped before there was a "
        f"gradient to check: {counts.unchecked}.",
    ]
    for names, says in (
        (counts.unseen, "Each step that was looked at is right to rounding with"),
        (counts.short, "Each step that was looked at is right, but there are fewer of them, with"),
        (counts.cut, "Cut, since they use far more samples than the correct training:"),
    ):
        if names:
            lines.append(f"{says} {', '.join(names)}.")
    return lines


def in_words(number: int) -> str:
    """1 mistake, 2 mistakes."""
    return "1 mistake" if number == 1 else f"{number} mistakes"


# --- for other programs -------------------------------------------------------------------------------------------


def as_json(outcomes: Sequence[Outcome], settings: Mapping[str, Any]) -> str:
    """Everything, curves included. What is no number is null."""
    content = {
        "settings": settings,
        "says": paragraph(outcomes),
        "trainings": [_as_dict(outcome) for outcome in by_accuracy(outcomes)],
    }
    return json.dumps(_without_nan(content), indent=2, allow_nan=False, default=str) + "\n"


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    trained = {key: value for key, value in vars(outcome.trained).items() if key not in ("looks", "records")}
    return {
        **trained,
        "accuracy": outcome.trained.accuracy,
        "check": vars(outcome.verdict) if outcome.verdict else None,
        "looks": [vars(look) for look in outcome.trained.looks],
    }


def _without_nan(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


HEAD = (
    "mistake",
    "kind",
    "end",
    "steps",
    "accuracy",
    "to_correct",
    "cosine_first",
    "cosine_last",
    "check",
    "failed_at_step",
    "worst_tensor",
    "error",
    "why",
)


def as_csv(outcomes: Sequence[Outcome]) -> str:
    """One line for each training; an empty cell where there is no number."""
    correct = _correct(outcomes).trained
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEAD)
    for outcome in by_accuracy(outcomes):
        trained, verdict = outcome.trained, outcome.verdict
        cosines = [look.cosine for look in trained.looks if not math.isnan(look.cosine)] or [math.nan]
        numbers = (trained.accuracy, trained.accuracy - correct.accuracy, cosines[0], cosines[-1])
        check = [""] * 4
        if verdict:
            check = [verdict.in_short, str(verdict.step or ""), verdict.tensor, f"{verdict.error:.3g}"]
        writer.writerow(
            (
                trained.name,
                trained.kind,
                trained.end,
                trained.num_steps,
                *("" if math.isnan(number) else f"{number:.6g}" for number in numbers),
                *check,
                trained.why,
            )
        )
    return file.getvalue()
