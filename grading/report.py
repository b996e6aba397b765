"""A report for people, and one for machines.

For people: what every question earned, what was tried, and, where something is wrong, which value is wrong first and
what mistake it is. The corrected formula is not among it; the place in the lecture is. For machines: everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grading.answers import Tensor
from grading.blame import wrong_tensors
from grading.grader import Report
from grading.sandbox import Failure
from grading.sandbox.text import sentence
from grading.scoring import Earned, Finding
from grading.trial import Trial


def print_report(console: Console, report: Report) -> None:
    """The report for people."""
    console.print(
        Text.assemble((report.assignment.title, "bold"), f"   {sentence(report.name, 80)}, seed {report.seed}")
    )
    console.print()
    console.print(_table(report))
    loading = report.findings[0].loading
    if loading:
        console.print()
        _print_lines(console, "The file could not be loaded", _failure_lines(loading))
    else:
        for finding, earned in zip(report.findings, report.score.questions, strict=True):
            lines = list(_lines(finding, earned))
            if lines:
                console.print()
                _print_lines(console, finding.question.function, lines)
    if report.remarks:
        console.print()
        _print_lines(console, "Remarks", report.remarks)
    console.print()
    missing = [name for name, active in report.layers.items() if not active]
    console.print(
        f"{number(report.score.earned)} of {number(report.score.possible)} points"
        f" in {report.seconds:.1f} s" + (f"; sandbox WITHOUT {', '.join(missing)}" if missing else ""),
        style="bold",
        highlight=False,
    )


def number(points: float) -> str:
    """Points without a needless fraction."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def _table(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("function", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("tries", justify="right")
    table.add_column("worst error", justify="right", no_wrap=True)
    table.add_column("tolerance", justify="right", no_wrap=True)
    for finding, earned in zip(report.findings, report.score.questions, strict=True):
        worst = _worst(finding.trial)
        full, verdict = earned.points == finding.question.points, verdict_of(finding, earned)
        table.add_row(
            escape(finding.question.function),
            f"{number(earned.points)} / {number(finding.question.points)}",
            Text(verdict, style="green" if verdict == "correct" else "yellow" if full else "red"),
            str(len(finding.trial.answers)) if finding.trial else "",
            "" if worst is None else "-" if math.isinf(worst.error) else f"{worst.error:.1e}",
            "" if worst is None else f"{worst.tolerance:.0e}",
        )
    return table


def verdict_of(finding: Finding, earned: Earned) -> str:
    """The finding's verdict; "accepted" for another convention that the assignment does not count as a mistake."""
    accepted = finding.explanations and earned.points == finding.question.points and not earned.elsewhere
    return "accepted" if accepted else finding.verdict


def _worst(trial: Trial | None) -> Tensor | None:
    tensors = [one.worst for one in trial.answers] if trial else []
    return max((t for t in tensors if t is not None), key=lambda t: t.error / t.tolerance, default=None)


def _print_lines(console: Console, title: str, lines: Iterable[str]) -> None:
    console.print(Text(title, style="bold"))
    for line in lines:
        indent = len(line) - len(line.lstrip())
        console.print(Padding(Text(line.lstrip()), (0, 0, 0, 2 + indent)))


# --- what is said of a question ---------------------------------------------------------------------------------


def _lines(finding: Finding, earned: Earned) -> Iterator[str]:
    trial = finding.trial
    if trial is None:
        return
    if not trial.failure or finding.explanations:
        yield from _where_it_goes_wrong(trial)
    if finding.follows_from:
        names = " and ".join(finding.follows_from)
        if finding.explanations:
            yield f"With the mistakes of your {names} taken away, which are not counted here, this remains:"
        else:
            yield f"It follows from your {names}; apart from that it is right. Nothing is taken off here."
    if finding.explanations:
        yield from _explanation_lines(finding)
    elif finding.follows_from or finding.excused:
        pass
    elif finding.failure:
        yield from _failure_lines(finding.failure)
        yield from finding.description
    else:
        yield from finding.description
        if not trial.right and not finding.behaviour:
            yield "No mistake that is known to the catalogue gives these values."
    for mistake in finding.behaviour:
        details = f": {', '.join(trial.inputs_changed)}" if mistake.name == "inputs-changed" else ""
        yield f"{_sentence(mistake.says)}{details}. {_full_stop(mistake.hint)}"
    if verdict_of(finding, earned) == "accepted":
        yield "Accepted: cost and gradient follow this convention alike, and the assignment does not mind."
    if "another-layout" in earned.charged:
        yield "The layout is not the assignment's, which does not accept another. It is counted once, here."
    if earned.elsewhere:
        yield "Counted already in an earlier function, so nothing is taken off for it here."
    yield from _notes(trial)


def _where_it_goes_wrong(trial: Trial) -> Iterator[str]:
    wrong = wrong_tensors(trial.answers)
    if wrong:
        first = wrong[0]
        probe = next(one.probe.name for one in trial.answers for t in one.tensors if t is first)
        what = first.problem or f"{first.name}: error {first.error:.1e}, tolerance {first.tolerance:.0e}"
        others = f"; {len(wrong) - 1} more after it" if len(wrong) > 1 else ""
        yield f"First wrong: {what} (on {probe}){others}."


def _explanation_lines(finding: Finding) -> Iterator[str]:
    explanation = finding.explanations[0]
    rows = " (written with samples in rows)" if finding.trial and finding.trial.form.samples_in_columns else ""
    what = {"backward": "a gradient", "cost": "a cost"}.get(finding.question.computes, "a computation")
    near = f"Your values equal, to {_order_of(explanation.error)}, {what}"
    alone = len(explanation.made) == 1
    yield f"{near} in which {explanation.made[0]}." if alone else f"{near} with {len(explanation.made)} mistakes:"
    if finding.failure:
        failed = next(one.probe.name for one in finding.trial.answers if one.failure) if finding.trial else ""
        yield f"On {failed} it stops{_at(finding.failure)}: {finding.failure.message}"
    for place, made in enumerate(explanation.made, start=1):
        if not alone:
            yield f"{place}. {_sentence(str(made))}."
        yield f"    as done{rows}: {made.mistake.done}"
        yield f"    {_full_stop(made.mistake.hint)}"
    for other in finding.explanations[1:]:
        yield "The same values come about when " + " and ".join(str(made) for made in other.made) + "."


def _order_of(error: float) -> str:
    return f"1e{math.ceil(math.log10(max(error, 1e-16)))}"


def _failure_lines(failure: Failure) -> Iterator[str]:
    if failure.message.endswith("NotImplementedError"):
        return
    yield f"{_sentence(str(failure.verdict))}{_at(failure)}: {failure.message}"
    trace = failure.trace.rstrip().splitlines()[:-1]  # its last line is the message
    yield from (f"    {line}" for line in trace[-10:])
    printed = failure.printed.strip().splitlines()
    if printed:
        yield "It printed, at the end:"
        yield from (f"    {line[:200]}" for line in printed[-5:])


def _at(failure: Failure) -> str:
    return f" ({failure.where})" if failure.where else ""


def _notes(trial: Trial) -> Iterator[str]:
    remarks = list(dict.fromkeys(remark for one in trial.answers for remark in one.remarks))
    yield from (f"Accepted: {remark}." for remark in remarks)
    if trial.right and any(one.single_precision for one in trial.answers):
        yield ("Accepted, with a note: the values are as exact as single precision (float32); float64 is asked.")


def _full_stop(text: str) -> str:
    return text if text.endswith((".", "?", '"')) else text + "."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- for machines -----------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """Everything, in types that JSON has. Errors that are no finite numbers are null."""
    return {
        "version": 1,
        "submission": sentence(report.name, 200),
        "assignment": report.assignment.title,
        "seed": report.seed,
        "earned": report.score.earned,
        "possible": report.score.possible,
        "correct": report.correct,
        "layout": str(report.form),
        "questions": [
            _question(finding, earned) for finding, earned in zip(report.findings, report.score.questions, strict=True)
        ],
        "remarks": list(report.remarks),
        "sandbox": dict(report.layers),
        "seconds": round(report.seconds, 3),
    }


def _question(finding: Finding, earned: Earned) -> dict[str, Any]:
    trial = finding.trial
    return {
        "function": finding.question.function,
        "computes": finding.question.computes,
        "points": finding.question.points,
        "earned": earned.points,
        "verdict": verdict_of(finding, earned),
        "charged": list(earned.charged),
        "charged_before": list(earned.elsewhere),
        "explanations": [
            {
                "error": explanation.error,
                "mistakes": [
                    {
                        "name": made.mistake.name,
                        "says": made.mistake.says,
                        "done": made.mistake.done,
                        "hint": made.mistake.hint,
                        "number": made.number,
                    }
                    for made in explanation.made
                ],
            }
            for explanation in finding.explanations
        ],
        "behaviour": [mistake.name for mistake in finding.behaviour],
        "follows": sorted(finding.follows),
        "follows_from": list(finding.follows_from),
        "description": list(finding.description),
        "failure": _failure(finding.failure),
        "probes": [
            {
                "probe": one.probe.name,
                "right": one.right,
                "failure": _failure(one.failure),
                "tensors": [
                    {
                        "name": tensor.name,
                        "error": tensor.error if math.isfinite(tensor.error) else None,
                        "tolerance": tensor.tolerance,
                        "right": tensor.right,
                        "problem": tensor.problem,
                    }
                    for tensor in one.tensors
                ],
                "remarks": list(one.remarks),
            }
            for one in (trial.answers if trial else ())
        ],
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {
        "verdict": str(failure.verdict),
        "message": failure.message,
        "where": failure.where,
        "trace": failure.trace,
        "printed": failure.printed[-2000:],
    }
