"""Experiments with a student's own functions: the loop made of them, and what must not change a gradient.

If `backward` is wrong, `train` is too, and no fault of its own. So the loop is run here with the student's forward,
backward and step, called one by one: where that gives what `train` gave, `train` is right.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from backprop.descent import Batch, Parameters, Run
from backprop.functions import Array
from backprop.network import Arrays, backward, forward
from grading.answers import Answer
from grading.assignment import Question
from grading.derivation import Derivation, Quantities
from grading.diagnosis import distance
from grading.layout import Form, from_form, to_form
from grading.probes import Probe
from grading.sandbox import Function, Returned, Session
from grading.trial import Bench, Trial, changed_probe, quantities_or_none, rows, try_on


class OwnFunctions:
    """The student's forward, backward and step, as rules of the loop.

    Args:
        bench: the submission.
        session: an open one.
        form: the layout to talk in.
    """

    def __init__(self, bench: Bench, session: Session, form: Form) -> None:
        self.session, self.form = session, form
        questions = {question.computes: question for question in bench.assignment.questions}
        self.forward, self.backward, self.step = (
            questions.get(computes) for computes in ("forward", "backward", "sgd step")
        )

    @property
    def complete(self) -> bool:
        """Whether the assignment has the three functions, and none is a method."""
        parts = (self.forward, self.backward, self.step)
        return all(part is not None and "." not in part.function for part in parts)

    def derivation(self) -> Derivation:
        """The right loop around the student's functions."""
        return Derivation(loop=({"gradient": self._gradient, "step": self._step},))

    def _call(self, question: Question, quantities: Quantities) -> Quantities:
        """Call a function with quantities in the manual module's layout.

        Raises:
            ValueError: where it fails, as a wrong rule does.
        """
        arguments = [to_form(name, quantities[name], self.form) for name in question.arguments]
        [outcome] = self.session.call(Function(question.function), [arguments])
        if not isinstance(outcome, Returned):
            raise ValueError(outcome.message)
        parts: Any = outcome.value  # all three functions return tuples of lists
        try:
            return {
                name: from_form(name, [np.asarray(array) for array in part], self.form)
                for name, part in zip(question.returns, parts, strict=True)
            }
        except TypeError:
            raise ValueError(f"{question.function} did not return {', '.join(question.returns)}") from None

    def _gradient(self, _: Any, __: Run, W: Arrays, b: Arrays, x: Array, y: Array) -> Parameters:
        assert self.forward is not None
        assert self.backward is not None
        known: Quantities = {"kernels": W, "biases": b, "x": x, "y": y}
        known |= self._call(self.forward, known)
        gradients = self._call(self.backward, known)
        return gradients["kernel_gradients"], gradients["bias_gradients"]

    def _step(self, _: Any, W: Arrays, b: Arrays, dW: Arrays, db: Arrays, rate: float) -> Parameters:
        assert self.step is not None
        known = {"kernels": W, "biases": b, "kernel_gradients": dW, "bias_gradients": db, "learning_rate": rate}
        moved = self._call(self.step, known)
        return moved["kernels"], moved["biases"]


def first_wrong_step(bench: Bench, trial: Trial) -> list[str]:
    """Where `train` leaves the right way, and how far it goes: found by giving it more and more of the batches."""
    probe = trial.answers[0].probe
    prefixes = [changed_probe(probe, batches=probe.batches[:n]) for n in range(1, len(probe.batches) + 1)]
    answers = try_on(bench, trial, prefixes)
    states = [got for got in map(quantities_or_none, answers) if got is not None]
    right = [one.right for one in answers]
    if all(right) or len(states) < len(answers):
        return []
    step = right.index(False)
    lines = [
        f"Up to batch {step} the result is right; with batch {step + 1}, of size {len(probe.batches[step])}, not."
        if step
        else "Already the first step, from a single batch, goes wrong."
    ]
    moves = itertools.pairwise([{"kernels": probe.W, "biases": probe.b}, *states])
    rates = [_effective_rate(probe, batch, *move) for batch, move in zip(probe.batches, moves, strict=True)]
    if None not in rates:
        found = ", ".join(f"{rate:.4g}" for rate in rates)
        given = f"{probe.learning_rate:.4g}"
        lines.append(f"Each step follows the right gradient, with the learning rates {found}; given was {given}.")
    return lines


def _effective_rate(probe: Probe, batch: Batch, before: Quantities, after: Quantities) -> float | None:
    """The factor between what a step did and the right gradient where it began; None where they are not parallel."""
    W, b = before["kernels"], before["biases"]
    z, a = forward(probe.network, W, b, probe.x[batch])
    dW, db = backward(probe.network, W, b, z, a, probe.y[batch])
    gradient = np.concatenate([np.ravel(g) for g in [*dW, *db]])
    moved = [u - v for name in ("kernels", "biases") for u, v in zip(before[name], after[name], strict=True)]
    move = np.concatenate([np.ravel(m) for m in moved])
    rate = float(move @ gradient) / float(gradient @ gradient)
    return rate if np.linalg.norm(move - rate * gradient) <= 1e-6 * np.linalg.norm(move) else None


def metamorphic(bench: Bench, trial: Trial) -> list[str]:
    """What must leave a gradient as it is: another order of the samples, every sample given twice."""
    probe = trial.answers[0].probe
    if len(probe.y) == 1:
        return []
    order = [*range(1, len(probe.y)), 0]
    original, turned, doubled = try_on(
        bench,
        trial,
        [probe, rows(probe, order, "in another order"), rows(probe, [*range(len(probe.y))] * 2, "every sample twice")],
    )
    lines = []
    before = quantities_or_none(original)
    if before is None:
        return []
    if _differs(before, turned):
        lines.append("It changes with the order of the samples in the batch; a mean does not.")
    if _differs(before, doubled):
        lines.append("It changes when every sample of the batch is given twice; a mean does not.")
    if bench.assignment.output == "softmax":
        total = float(np.sum(before["bias_gradients"][-1]))
        if abs(total) > 1e-9 * float(np.abs(before["bias_gradients"][-1]).sum()):
            lines.append(f"The output bias's gradient sums to {total:.3g}; p - y sums to 0 over the classes.")
    return lines


def _differs(before: Quantities, after: Answer) -> bool:
    got = quantities_or_none(after)
    return got is None or distance(got, before) > 1e-9
