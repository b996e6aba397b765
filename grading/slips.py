"""Slips of form: everything is computed right, and handed over in another way than asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grading.answers import judge
from grading.assignment import Question
from grading.mistakes import Mistake
from grading.mistakes.behaviour import COST_OF_EACH_SAMPLE, INPUT_NOT_AMONG_ACTIVATIONS, RETURNS_EXCHANGED
from grading.probes import Probe
from grading.sandbox import Returned
from grading.trial import Trial


def _exchanged(value: Any, question: Question, _: Probe) -> Any:
    return tuple(value)[::-1] if len(value) == len(question.returns) == 2 else None


def _with_input(value: Any, question: Question, probe: Probe) -> Any:
    place = question.returns.index("activations")
    parts = list(value)
    missing = len(probe.a) - len(parts[place])
    return [*parts[:place], [np.zeros(0), *parts[place]], *parts[place + 1 :]] if missing == 1 else None


def _averaged(value: Any, question: Question, probe: Probe) -> Any:
    return float(np.mean(value)) if question.returns == ("cost",) and np.size(value) == len(probe.y) > 1 else None


MENDED: tuple[tuple[Mistake, Callable[[Any, Question, Probe], Any]], ...] = (
    (RETURNS_EXCHANGED, _exchanged),
    (INPUT_NOT_AMONG_ACTIVATIONS, _with_input),
    (COST_OF_EACH_SAMPLE, _averaged),
)
"""Each slip, and how what was returned would be mended; None where there is nothing to mend."""


def slip_of_form(trial: Trial) -> Mistake | None:
    """The slip that accounts for everything, if one does."""
    for mistake, mend in MENDED:
        try:
            values = [mend(one.returned, trial.question, one.probe) for one in trial.answers]
        except (TypeError, ValueError, IndexError):
            continue
        if any(value is None for value in values) and mistake is not COST_OF_EACH_SAMPLE:
            continue
        answers = [
            one
            if value is None
            else judge(trial.question, one.probe, one.expected, Returned(value, (), False), trial.form)
            for one, value in zip(trial.answers, values, strict=True)
        ]
        # the input is the student's to return; here only whether the rest is right
        if all(
            all(t.right or t.name == "input activation" for t in one.tensors) and not one.failure for one in answers
        ):
            return mistake
    return None
