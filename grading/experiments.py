"""Further experiments with a function that nothing explains: where a training goes astray, what must change nothing."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from backprop.descent import Batch
from backprop.network import backward, forward
from grading.answers import Answer
from grading.derivation import Quantities, distance
from grading.probes import Probe
from grading.trial import Bench, Trial, quantities_or_none, rows, try_on


def first_wrong_step(bench: Bench, trial: Trial) -> list[str]:
    """Where `train` leaves the right way, and how far it goes: found by giving it more and more of the batches."""
    probe = trial.answers[0].probe
    prefixes = [dataclasses.replace(probe, batches=probe.batches[:n]) for n in range(1, len(probe.batches) + 1)]
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
    square, size = float(gradient @ gradient), float(np.linalg.norm(move))
    if not square or not np.isfinite([square, size]).all():
        return None  # a gradient that has vanished, or parameters beyond all measure
    rate = float(move @ gradient) / square
    return rate if np.linalg.norm(move - rate * gradient) <= 1e-6 * size else None


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
