"""Trying one function: every probe through the sandbox, and what came back judged.

The function runs in a process of its own for each question. It is called on each probe, and on the first one twice:
an honest function answers the same again, leaves its arguments alone, and does not touch what it has returned.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backprop.functions import Array
from backprop.network import forward
from grading.answers import SINGLE_TOLERANCE, Answer, judge
from grading.assignment import Assignment, Question
from grading.derivation import Asked, Quantities, answer, arrays, distance, given
from grading.layout import Form, to_form
from grading.probes import Probe, probes_for
from grading.sandbox import NO_STAND_INS, Failure, Function, Limits, Returned, Sandbox, Session, Source, StandIns


@dataclass(frozen=True)
class Bench:
    """All that is needed to try a submission's functions."""

    sandbox: Sandbox
    assignment: Assignment
    source: Source
    seed: int

    @property
    def limits(self) -> Limits:
        """The assignment's limits in the sandbox's words."""
        limits = self.assignment.limits
        return Limits(
            cpu_seconds=limits.cpu_seconds,
            wall_seconds=limits.wall_seconds,
            memory_bytes=limits.memory_mebibytes << 20,
            source_bytes=limits.source_kibibytes << 10,
        )

    def session(self, stand_ins: StandIns = NO_STAND_INS) -> Session:
        """A new process with the submission loaded, some of its functions perhaps replaced."""
        return self.sandbox.session(self.source, self.assignment.imports, self.limits, stand_ins)

    def asked(self, question: Question) -> Asked:
        """What the question wants computed."""
        softmax = self.assignment.output == "softmax"
        return Asked(question.computes, question.returns, question.own_forward, softmax)


@dataclass(frozen=True)
class Trial:
    """One function on all probes.

    Attributes:
        question: what was asked.
        form: the layout it was asked in.
        answers: one for each probe.
        inputs_changed: names of arguments that were altered.
        results_change_later: whether what was returned changed during a later call.
        repeatable: whether the second call on the first probe gave what the first one did.
        seconds: what all calls took together.
        replaced: names of the submission's other functions that right ones stood in for.
    """

    question: Question
    form: Form
    answers: tuple[Answer, ...]
    inputs_changed: tuple[str, ...] = ()
    results_change_later: bool = False
    repeatable: bool = True
    seconds: float = 0.0
    replaced: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """All values within their tolerance."""
        return all(one.right for one in self.answers)

    @property
    def failure(self) -> Failure | None:
        """The first failure, if there was one."""
        return next((one.failure for one in self.answers if one.failure), None)


def arguments_for(question: Question, probe: Probe, form: Form, softmax: bool) -> list[Any]:
    """The arguments of one call, in the student's layout."""
    quantities = given(probe, softmax)
    return [to_form(name, quantities[name], form) for name in question.arguments]


def function_for(assignment: Assignment, question: Question, probe: Probe, form: Form) -> Function:
    """The function, or the method with what its class is made from."""
    own = assignment.student_class
    if own is None or "." not in question.function:
        return Function(question.function)
    quantities = given(probe, assignment.output == "softmax")
    return Function(
        question.function,
        tuple(quantities[name] for name in own.constructed_from),
        {attribute: to_form(name, quantities[name], form) for attribute, name in own.attributes.items()},
    )


def call_all(
    bench: Bench, session: Session, question: Question, probes: Sequence[Probe], form: Form
) -> list[Returned | Failure]:
    """One call for each probe: in one request, but for methods, whose class is made for each network."""
    functions = [function_for(bench.assignment, question, probe, form) for probe in probes]
    calls = [arguments_for(question, probe, form, bench.asked(question).softmax) for probe in probes]
    if not functions[0].construct and not functions[0].attributes:
        return session.call(functions[0], calls)
    return [session.call(function, [call])[0] for function, call in zip(functions, calls, strict=True)]


def try_function(bench: Bench, question: Question, form: Form, replaced: Sequence[Question] = ()) -> Trial:
    """Try a question in a layout.

    Args:
        bench: the submission.
        question: what is asked.
        form: the layout to ask it in.
        replaced: other questions, whose functions are replaced by right ones.
    """
    stand_ins = stand_ins_for(bench.assignment, replaced, form)
    probes = probes_for(bench.assignment, question.computes, bench.seed)
    twice = [*probes[:2], probes[0], *probes[2:]]
    started = time.monotonic()
    with bench.session(stand_ins) as session:
        outcomes = call_all(bench, session, question, twice, form)
    seconds = time.monotonic() - started
    asked = bench.asked(question)
    pairs = list(zip(twice, outcomes, strict=True))
    judged = [judge(question, probe, answer(asked, probe), outcome, form) for probe, outcome in pairs]
    if _may_be_rounding(judged) and _rounds_to_single(bench, question, form, _worst(judged), stand_ins):
        judged = [judge(question, probe, answer(asked, probe), outcome, form, rounded=True) for probe, outcome in pairs]
    again = judged.pop(2)
    returned = [outcome for outcome in outcomes if isinstance(outcome, Returned)]
    changed = {position for outcome in returned for position in outcome.changed_arguments}
    return Trial(
        question,
        form,
        tuple(judged),
        inputs_changed=tuple(question.arguments[i] for i in sorted(changed) if i < len(question.arguments)),
        results_change_later=any(outcome.changed_later for outcome in returned),
        repeatable=same(judged[0], again),
        seconds=seconds,
        replaced=tuple(stand_ins.names),
    )


STAND_INS = Path(__file__).with_name("stand_ins.py")


def stand_ins_for(assignment: Assignment, replaced: Sequence[Question], form: Form) -> StandIns:
    """Right functions for some questions, in a layout, as text for the submission's process."""
    if not replaced:
        return NO_STAND_INS
    settings = {
        "ACTIVATION": assignment.activation,
        "OUTPUT": assignment.output,
        "COST": assignment.cost,
        "TRANSPOSED": form.kernels_transposed,
        "COLUMNS": form.samples_in_columns,
        "COLUMN_BIASES": form.column_biases,
        "WANTED": {q.function: (q.computes, q.arguments, q.returns) for q in replaced},
    }
    header = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    return StandIns(header + STAND_INS.read_text(encoding="utf-8"), {q.function: q.function for q in replaced})


# --- float32 inside, float64 outside ----------------------------------------------------------------------------

SHIFT = 1e-6
"""Far more than float32's spacing: every rounding falls another way. Far less than what matters to a formula."""


def _may_be_rounding(answers: Sequence[Answer]) -> bool:
    errors = [tensor.error for one in answers for tensor in one.tensors if not tensor.right]
    return bool(errors) and max(errors) <= SINGLE_TOLERANCE and not any(one.failure for one in answers)


def _worst(answers: Sequence[Answer]) -> Answer:
    return max(answers, key=lambda one: max((tensor.error for tensor in one.tensors), default=0.0))


def _rounds_to_single(bench: Bench, question: Question, form: Form, worst: Answer, stand_ins: StandIns) -> bool:
    """Whether small errors are float32's: chance, and so others a little farther. A formula's stay what they are."""
    probe, rng = worst.probe, np.random.default_rng(0)

    def moved(array: Array) -> Array:
        return np.asarray(array * (1 + SHIFT * rng.normal(size=array.shape)))

    W, b, x = [moved(W) for W in probe.W], [moved(b) for b in probe.b], moved(probe.x)
    z, a = forward(probe.network, W, b, x)
    near = dataclasses.replace(
        probe,
        W=W,
        b=b,
        x=x,
        z=z,
        a=a,
        dW=[moved(g) for g in probe.dW],
        db=[moved(g) for g in probe.db],
        elementwise=moved(probe.elementwise),
    )
    with bench.session(stand_ins) as session:
        [outcome] = call_all(bench, session, question, [near], form)
    second = judge(question, near, answer(bench.asked(question), near), outcome, form)
    here, there = _errors(worst), _errors(second)
    if here is None or there is None:
        return False
    return bool(abs(here @ there) < np.linalg.norm(here) * np.linalg.norm(there) / 2)


def _errors(one: Answer) -> Array | None:
    """All differences from the reference in one row, each tensor's relative to its size."""
    got = quantities_or_none(one)
    if got is None:
        return None
    return np.concatenate(
        [
            np.ravel(np.asarray(u) - v) / np.linalg.norm(v)
            for name in one.expected
            for u, v in zip(arrays(name, got), arrays(name, one.expected), strict=True)
        ]
    )


def same(first: Answer, second: Answer) -> bool:
    """Whether two answers are one, to rounding."""
    if first.got is None or second.got is None:
        return (first.got is None) == (second.got is None)
    return distance(first.got, second.got) < 1e-12


def try_on(bench: Bench, trial: Trial, probes: Sequence[Probe]) -> list[Answer]:
    """The same function on other problems, in a new process."""
    replaced = [question for question in bench.assignment.questions if question.function in trial.replaced]
    with bench.session(stand_ins_for(bench.assignment, replaced, trial.form)) as session:
        outcomes = call_all(bench, session, trial.question, probes, trial.form)
    asked = bench.asked(trial.question)
    return [
        judge(trial.question, probe, answer(asked, probe), outcome, trial.form)
        for probe, outcome in zip(probes, outcomes, strict=True)
    ]


def rows(probe: Probe, order: Sequence[int], name: str) -> Probe:
    """The same problem with its samples in another order, or some of them more than once."""
    index = list(order)
    return dataclasses.replace(
        probe,
        name=name,
        x=probe.x[index],
        y=probe.y[index],
        z=[z[index] for z in probe.z],
        a=[a[index] for a in probe.a],
    )


def quantities_or_none(one: Answer) -> Quantities | None:
    """What a call gave, where all its shapes are right."""
    return None if one.got is None or any(tensor.problem for tensor in one.tensors) else one.got
