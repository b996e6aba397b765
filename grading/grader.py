"""Grading one submission: try every question, find out in which layout it was written, and what went wrong where.

    report = grade(source, assignment, seed=0)

The order of things: each function is tried in the layout that the assignment declares; where that fails, in the
others. What is wrong is explained by the catalogue, first by what is known from earlier questions, then by one mistake,
then by one more, then by two. What no entry explains is described by its numbers. `grading.scoring` makes points of it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grading.assignment import Assignment, Question
from grading.blame import following_tensors, wrong_tensors
from grading.diagnosis import (
    Explanation,
    Made,
    derivation_with,
    explain,
    explain_by_two,
    fingerprint,
    mismatch,
    shows,
)
from grading.experiments import first_wrong_step, metamorphic
from grading.layout import Form, declared_form
from grading.mistakes import Mistake, applicable, setting_of
from grading.mistakes.behaviour import (
    ATTRIBUTES_UNUSED,
    INPUTS_CHANGED,
    NOT_REPEATABLE,
    OWN_SHUFFLE,
    RESULTS_CHANGE_LATER,
    SHUFFLED_APART,
)
from grading.reading import SLOW_SECONDS, trials_in_its_layout, wrong_below
from grading.sandbox import Sandbox, Source
from grading.scoring import Finding, Score, score
from grading.slips import slip_of_form
from grading.trial import Bench, Trial, quantities_or_none, same, try_function, try_on


@dataclass(frozen=True)
class Report:
    """What came of a submission.

    Attributes:
        name: of the submission.
        assignment: what was asked.
        seed: of the probes.
        findings: one for each question, in the assignment's order.
        score: points for each question.
        form: the layout the submission is written in.
        remarks: on the submission as a whole.
        layers: the sandbox's protections, and whether each was active.
        seconds: from the start of the sandbox to the score.
    """

    name: str
    assignment: Assignment
    seed: int
    findings: tuple[Finding, ...]
    score: Score
    form: Form
    remarks: tuple[str, ...]
    layers: Mapping[str, bool]
    seconds: float

    @property
    def correct(self) -> bool:
        """Whether every question is right, or accepted, and has all its points."""
        return all(
            earned.points == finding.question.points and not earned.charged and finding.trial is not None
            for finding, earned in zip(self.findings, self.score.questions, strict=True)
        ) and all(finding.right or finding.question.points for finding in self.findings)


def grade(source: Source, assignment: Assignment, seed: int = 0, unsafe: bool = False) -> Report:
    """Grade one submission in a sandbox of its own.

    Args:
        source: the submission.
        assignment: what is asked.
        seed: of the probes; the same seed, the same probes.
        unsafe: go on where the sandbox lacks protection.

    Raises:
        SandboxUnavailable: where protection is missing, and `unsafe` is not set.
        GraderFault: where the grader itself failed.
    """
    started = time.monotonic()
    with Sandbox(unsafe=unsafe) as sandbox:
        report = grade_in(sandbox, source, assignment, seed)
    return dataclasses.replace(report, seconds=time.monotonic() - started)


def grade_in(sandbox: Sandbox, source: Source, assignment: Assignment, seed: int = 0) -> Report:
    """Grade one submission in a sandbox that is open already."""
    started = time.monotonic()
    bench = Bench(sandbox, assignment, source, seed)
    with bench.session() as session:
        failure, remarks = session.failure, session.remarks
    if failure:
        findings = [Finding(question, loading=failure) for question in assignment.questions]
        form = declared_form(assignment)
    else:
        with np.errstate(all="ignore"):  # a submission's numbers may be of any size
            form, trials, form_remarks = trials_in_its_layout(bench)
            findings = _Diagnostician(bench).findings(trials)
        remarks = (*remarks, *form_remarks)
    return Report(
        source.name,
        assignment,
        seed,
        tuple(findings),
        score(assignment, findings, form.differences(declared_form(assignment))),
        form,
        tuple(remarks),
        sandbox.layers,
        time.monotonic() - started,
    )


# --- what went wrong? -------------------------------------------------------------------------------------------


class _Diagnostician:
    """Goes through the questions in order, and remembers which mistakes it has met."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.catalogue = applicable(setting_of(bench.assignment))
        self.known: list[Made] = []
        self.follow: set[str] = set()

    def findings(self, trials: Sequence[Trial]) -> list[Finding]:
        return [self._finding(trial, trials) for trial in trials]

    def _finding(self, trial: Trial, trials: Sequence[Trial]) -> Finding:
        behaviour = self._behaviour(trial, trials)
        if trial.right:
            return Finding(trial.question, trial, behaviour=behaviour)
        if slip := slip_of_form(trial):
            return Finding(trial.question, trial, behaviour=(*behaviour, slip), excused=True)
        alone = self._without_the_others_mistakes(trial, trials)
        if alone.right:
            self.follow.add(trial.question.function)
            return Finding(trial.question, trial, behaviour=behaviour, follows_from=alone.replaced)
        # what is left when the others' mistakes are taken away is this function's own
        for tried in [alone] if alone is trial else [alone, trial]:
            explanations = self._explain(tried) if tried.repeatable else []
            if explanations:
                self._remember(explanations[0])
                return Finding(tried.question, tried, tuple(explanations), behaviour, follows_from=tried.replaced)
        return Finding(
            trial.question,
            alone,
            behaviour=behaviour,
            excused=_accounted_for(alone, behaviour),
            follows=frozenset(following_tensors(alone.answers)),
            description=tuple(self._describe(alone)),
        )

    def _without_the_others_mistakes(self, trial: Trial, trials: Sequence[Trial]) -> Trial:
        """The trial with right functions in the place of those wrong ones that it may lean on."""
        wrong = [q for q in wrong_below(trial.question, trials) if q.function not in self.follow]
        if not wrong:
            return trial
        alone = try_function(self.bench, trial.question, trial.form, wrong)
        if all(same(before, after) for before, after in zip(trial.answers, alone.answers, strict=True)):
            return trial  # it does not lean on them
        if alone.right:  # without which of them is it right as well?
            for question in list(wrong):
                fewer = [other for other in wrong if other != question]
                if fewer and (again := try_function(self.bench, trial.question, trial.form, fewer)).right:
                    wrong, alone = fewer, again
        return alone

    def _remember(self, explanation: Explanation) -> None:
        names = {made.mistake.name for made in self.known}
        self.known += [made for made in explanation.made if made.mistake.name not in names]

    def _explain(self, trial: Trial) -> list[Explanation]:
        asked, answers = self.bench.asked(trial.question), trial.answers
        known = derivation_with(self.known)
        if self.known:
            error = mismatch(asked, answers, known)
            showing = [made for made in self.known if shows(asked, answers, made)]
            if error is not None and showing:
                return [Explanation(tuple(showing), error)]
        found = explain(asked, answers, self._candidates(trial.question))
        if not found and self.known:
            more = explain(asked, answers, self._candidates(trial.question), known)
            found = [Explanation((*self.known, *one.made), one.error) for one in more]
        if not found:
            found = explain_by_two(asked, answers, self._pairable(trial.question))
        return found

    def _pairable(self, question: Question) -> list[Mistake]:
        """What is tried two at a time: for the loop, only mistakes of the loop without a number, for time's sake."""
        loop = question.computes == "train"
        return [m for m in self._candidates(question) if not loop or (m.loop and not m.number and not m.returned)]

    def _candidates(self, question: Question) -> list[Mistake]:
        """The likeliest first: for the loop, mistakes of the loop."""
        if question.computes != "train":
            return list(self.catalogue)
        return sorted(self.catalogue, key=lambda mistake: not mistake.loop or bool(mistake.returned))

    # --- what no formula shows ---

    def _behaviour(self, trial: Trial, trials: Sequence[Trial]) -> tuple[Mistake, ...]:
        found = []
        if trial.inputs_changed:
            found.append(INPUTS_CHANGED)
        if trial.results_change_later:
            found.append(RESULTS_CHANGE_LATER)
        if not trial.repeatable:
            found.append(self._why_not_repeatable(trial, trials))
        return tuple(found)

    def _why_not_repeatable(self, trial: Trial, trials: Sequence[Trial]) -> Mistake:
        if "." in trial.question.function:
            return ATTRIBUTES_UNUSED
        others_repeat = all(other.repeatable for other in trials if other is not trial)
        if trial.question.computes != "train" or not others_repeat:
            return NOT_REPEATABLE
        # in a single batch of all samples a shuffle changes nothing, but for targets that go astray
        whole = [one.probe for one in trial.answers if len(one.probe.batches) == 1]
        first, second = try_on(self.bench, trial, whole[:1] * 2)
        if quantities_or_none(first) is None or quantities_or_none(second) is None:
            return NOT_REPEATABLE
        return OWN_SHUFFLE if same(first, second) else SHUFFLED_APART

    def _describe(self, trial: Trial) -> list[str]:
        lines = fingerprint(trial.answers)
        if trial.seconds > SLOW_SECONDS / 4:
            return lines  # no further experiments
        if trial.failure:
            lines += _where_it_fails(trial)
        follows = following_tensors(trial.answers)
        names = [tensor.name for tensor in wrong_tensors(trial.answers)]
        if follows:
            lines.append("Right, given the wrong ones before: " + ", ".join(n for n in names if n in follows) + ".")
        if trial.question.computes == "train" and trial.failure is None:
            lines += first_wrong_step(self.bench, trial)
        if trial.question.computes == "backward" and trial.failure is None:
            lines += metamorphic(self.bench, trial)
        return lines


def _accounted_for(trial: Trial, behaviour: Sequence[Mistake]) -> bool:
    """Whether what a function does besides its values is all that is wrong: right once, or right in a single batch."""
    if NOT_REPEATABLE in behaviour:
        return trial.answers[0].right
    if OWN_SHUFFLE in behaviour:
        return any(one.right for one in trial.answers if len(one.probe.batches) == 1)
    return False


def _where_it_fails(trial: Trial) -> list[str]:
    """Which problems a function that stops on others can do."""
    done = [one.probe for one in trial.answers if one.right]
    failed = [one.probe for one in trial.answers if one.failure]
    if not done:
        return []
    layers = {len(probe.W) for probe in done}
    if len(done) > 1 and len(layers) == 1 and not layers & {len(probe.W) for probe in failed}:
        return [f"It works for networks of {layers.pop()} layers; any number of layers is asked."]
    return [f"Right on {'; '.join(probe.name for probe in done)}. It fails on {failed[0].name}."]
