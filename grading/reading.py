"""In which layout is a submission written? In the declared one; or, where that fails, in the one that suits most of it.

Another layout shows by its shapes. But a function may also fail by a mistake, its own or of another that it leans on:
so it is tried with right ones in their place before its layout is doubted.
"""

from __future__ import annotations

from collections.abc import Sequence

from grading.assignment import ARGUMENTS, Question
from grading.diagnosis import explain
from grading.layout import FORMS, Form, declared_form
from grading.mistakes import applicable, setting_of
from grading.sandbox import Verdict
from grading.trial import Bench, Trial, try_function

LAYOUT_MATTERS = ("forward", "backward", "train", "sgd step")
"""Questions whose answers have other shapes in another layout."""

SLOW_SECONDS = 10
"""Nothing is tried again and again with functions that take longer, all together."""


def trials_in_its_layout(bench: Bench) -> tuple[Form, list[Trial], list[str]]:
    """Every question in the declared layout, or in the one in which the submission is written throughout."""
    declared = declared_form(bench.assignment)
    trials = [try_function(bench, question, declared) for question in bench.assignment.questions]
    lost = [
        trial for trial in trials if _layout_may_be_why(trial) and not _accounted_in_its_layout(bench, trial, trials)
    ]
    if not lost:
        return declared, trials, []
    if sum(trial.seconds for trial in trials) > SLOW_SECONDS:
        return declared, trials, ["It was not tried in other layouts, since it takes so long."]
    others = sorted((form for form in FORMS if form != declared), key=lambda form: len(form.differences(declared)))
    attempts: list[Trial] = []
    for trial in lost:  # one of them may be wrong in itself
        leaned_on = wrong_below(trial.question, trials)
        attempts = [try_function(bench, trial.question, form, leaned_on) for form in others]
        if any(attempt.right for attempt in attempts):
            break
    question = attempts[0].question
    # a layout in which the function is right tells more than one in which it is wrong in a known way
    right = [attempt.form for attempt in attempts if attempt.right]
    forms = right or [attempt.form for attempt in attempts if _explained(bench, attempt)]
    readings = [(form, [_in_form(bench, trial, form) for trial in trials]) for form in forms]
    fitting = [
        (form, again)
        for form, again in readings
        if not any(before.right and not after.right for before, after in zip(trials, again, strict=True))
    ]
    if fitting:  # not every function tells every layout: the one that suits most of them
        form, again = max(fitting, key=lambda reading: _number_right(bench, reading[1]))
        return form, again, [f"Written with {form}; the assignment asks for {declared}."]
    if right:
        mixed = f"Layouts are mixed: {question.function} would be right with {right[0]}; other functions are not."
        return declared, trials, [mixed]
    return declared, trials, []


def _number_right(bench: Bench, trials: Sequence[Trial]) -> int:
    """How many functions are right, or would be with right ones to lean on."""
    alone = ((trial, wrong_below(trial.question, trials)) for trial in trials)
    return sum(
        trial.right or bool(wrong and try_function(bench, trial.question, trial.form, wrong).right)
        for trial, wrong in alone
    )


def wrong_below(question: Question, trials: Sequence[Trial]) -> list[Question]:
    """Questions whose functions are wrong, and which this one may lean on: never those that build on it."""
    rank = list(ARGUMENTS).index
    return [
        other.question
        for other in trials
        if not other.right
        and "." not in other.question.function
        and rank(other.question.computes) < rank(question.computes)
    ]


def _accounted_in_its_layout(bench: Bench, trial: Trial, trials: Sequence[Trial]) -> bool:
    """Whether a mistake, of its own or of a function that it leans on, is why it is wrong, and not the layout."""
    leaned_on = wrong_below(trial.question, trials)
    alone = try_function(bench, trial.question, trial.form, leaned_on) if leaned_on else trial
    return alone.right or _explained(bench, alone) or (alone is not trial and _explained(bench, trial))


def _in_form(bench: Bench, trial: Trial, form: Form) -> Trial:
    """The question in another layout, where that makes a difference."""
    if trial.question.computes in ("activation", "activation slope"):
        return trial
    return try_function(bench, trial.question, form)


def _layout_may_be_why(trial: Trial) -> bool:
    """Another layout shows by shapes on the first problem, in which no two widths are equal."""
    first = trial.answers[0]
    stopped = first.failure is not None and first.failure.verdict in (Verdict.EXCEPTION, Verdict.RESULT)
    if first.failure and first.failure.message.endswith("NotImplementedError"):
        return False
    return trial.question.computes in LAYOUT_MATTERS and (stopped or any(tensor.problem for tensor in first.tensors))


def _explained(bench: Bench, trial: Trial) -> bool:
    return bool(explain(bench.asked(trial.question), trial.answers, applicable(setting_of(bench.assignment))))
