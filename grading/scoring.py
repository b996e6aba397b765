"""From findings to points.

One mistake costs a fixed share of the question in which it first shows (`mistake_costs`), however many values it
spoils there, and nothing in later questions. Where nothing explains the wrong values, a question earns the share of its
tensors that are right, or right given the wrong ones before them, or of problems that it solves without stopping; but
never more than with one known mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grading.assignment import Assignment, Question
from grading.diagnosis import Explanation
from grading.mistakes import Mistake
from grading.sandbox import Failure
from grading.trial import Trial


@dataclass(frozen=True)
class Finding:
    """What was found out about one question.

    Attributes:
        question: what was asked.
        trial: how it went; None where the submission could not be loaded.
        explanations: each explains all that is wrong; the first is the likeliest, the others give the same values.
        behaviour: mistakes besides the values.
        follows: names of wrong tensors that are right given the wrong ones before.
        follows_from: functions whose mistakes account for what is wrong, or for the rest of it.
        description: where nothing explains it: what the numbers are like.
        loading: why the submission could not be loaded.
        excused: whether the behaviour accounts for all that is wrong.
    """

    question: Question
    trial: Trial | None = None
    explanations: tuple[Explanation, ...] = ()
    behaviour: tuple[Mistake, ...] = ()
    follows: frozenset[str] = frozenset()
    follows_from: tuple[str, ...] = ()
    description: tuple[str, ...] = ()
    loading: Failure | None = None
    excused: bool = False

    @property
    def right(self) -> bool:
        """All values right, and nothing besides."""
        return self.trial is not None and self.trial.right and not self.behaviour

    @property
    def mistakes(self) -> list[Mistake]:
        """All that were found, each once."""
        made = [one.mistake for one in self.explanations[0].made] if self.explanations else []
        return [*made, *self.behaviour]

    @property
    def failure(self) -> Failure | None:
        """What kept the function from answering."""
        return self.loading or (self.trial.failure if self.trial else None)

    @property
    def verdict(self) -> str:
        """One word or two."""
        if self.follows_from and not self.explanations:
            return "follows"
        if self.failure and self.failure.message.endswith("NotImplementedError"):
            return "not written yet"
        if self.failure and not self.explanations and not self.excused:
            return str(self.failure.verdict)
        if self.trial and self.trial.right:
            return "correct" if not self.behaviour else "side effects"
        problems = [tensor.problem for one in self.trial.answers for tensor in one.tensors] if self.trial else []
        if any("has shape" in problem for problem in problems):
            return "wrong shape"
        return "not finite" if any(problems) else "wrong answer"


@dataclass(frozen=True)
class Earned:
    """Points of one question.

    Attributes:
        points: earned.
        charged: the mistakes that cost points here.
        elsewhere: mistakes that show here and were charged before.
    """

    points: float
    charged: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """Points of a submission: one entry for each question, in the assignment's order."""

    questions: tuple[Earned, ...]
    possible: float

    @property
    def earned(self) -> float:
        """All points."""
        return round(sum(question.points for question in self.questions), 6)


def score(assignment: Assignment, findings: Sequence[Finding], dialects: Iterable[str] = ()) -> Score:
    """Make points of findings.

    Args:
        assignment: points, and the rules.
        findings: one for each question.
        dialects: in what the submission's layout differs from the assignment's.
    """
    charged: set[str] = set()
    # one decision, however many arrays it turns
    rejected = ["another-layout"] if any(getattr(assignment.dialects, name) == "reject" for name in dialects) else []
    conventions = _consistent_conventions(findings) if assignment.dialects.scaled_cost == "accept" else set()
    earned = []
    for finding in findings:
        layout = rejected if finding.trial and finding.question.computes in ("forward", "backward", "train") else []
        earned.append(_earned(assignment, finding, charged, layout, conventions))
    return Score(tuple(earned), assignment.points)


def _consistent_conventions(findings: Sequence[Finding]) -> set[str]:
    """Other conventions of the cost that are followed in the cost and in its gradient."""

    def of(computes: str) -> set[str]:
        return {m.convention for f in findings if f.question.computes == computes for m in f.mistakes if m.convention}

    return of("cost") & of("backward")


def _earned(
    assignment: Assignment, finding: Finding, charged: set[str], rejected: Sequence[str], accepted: set[str]
) -> Earned:
    question, costs = finding.question, assignment.scoring.mistake_costs
    keys = {mistake.name: mistake.convention or mistake.name for mistake in finding.mistakes}
    keys = {name: key for name, key in keys.items() if key not in accepted} | {name: name for name in rejected}
    here = [name for name, key in keys.items() if key not in charged or not question.follow_through]
    elsewhere = [name for name in keys if name not in here]
    if question.points:
        charged |= set(keys.values())
    if finding.trial is None:
        return Earned(0.0)
    if any(mistake.empty for mistake in finding.mistakes):
        return Earned(0.0, tuple(here), tuple(elsewhere))
    share = max(0.0, 1.0 - costs * len({keys[name] for name in here}))
    if not finding.trial.right and not finding.explanations and not finding.excused:
        if not finding.follows_from:
            share = min(share, 1.0 - costs, share_right(finding, question))
        elif not question.follow_through:
            share = min(share, 1.0 - costs)
    return Earned(round(question.points * share, 6), tuple(here), tuple(elsewhere))


def share_right(finding: Finding, question: Question) -> float:
    """The share of what is right where nothing explains what is wrong.

    Of a function that stops on some problems, the share of problems that it solves. Else the share of tensors that are
    right on every problem; with follow-through, or right given those before them.
    """
    answers = finding.trial.answers if finding.trial else ()
    if finding.failure:
        return sum(one.right for one in answers) / len(answers) if answers else 0.0
    names = {tensor.name for one in answers for tensor in one.tensors}
    wrong = {tensor.name for one in answers for tensor in one.tensors if not tensor.right}
    if question.follow_through:
        wrong -= finding.follows
    return 1.0 - len(wrong) / len(names) if names else 0.0
