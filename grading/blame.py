"""Which tensor is wrong first, and which only follow: the way back, judged step by step.

With one sample, a bias's gradient is its layer's delta itself. So each step can be held against the *student's* values
that it starts from: the kernel's gradient against the student's delta, each delta against the student's delta of the
layer behind it. What is right given what came before is not charged, whatever the first mistake was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.functions import Array
from backprop.network import ChainRule, Pass
from grading.answers import Answer, Tensor

CONSISTENT = 1e-9
"""How near a step must come to be right, given the values it starts from."""


def wrong_tensors(answers: Sequence[Answer]) -> list[Tensor]:
    """Each tensor that is wrong on some probe, once, in the order in which they are computed."""
    found: dict[str, Tensor] = {}
    for one in answers:
        for tensor in one.tensors:
            if not tensor.right:
                found.setdefault(tensor.name, tensor)
    return list(found.values())


def following_tensors(answers: Sequence[Answer]) -> set[str]:
    """Names of wrong gradients that are right given the student's own deltas. Needs the probe with one sample."""
    follows: set[str] = set()
    for one in answers:
        if len(one.probe.y) != 1 or one.got is None or any(tensor.problem for tensor in one.tensors):
            continue
        if {"kernel_gradients", "bias_gradients"} <= set(one.got):
            wrong = {tensor.name for tensor in one.tensors if not tensor.right}
            consistent = _consistent(one, one.got["bias_gradients"], one.got["kernel_gradients"])
            deltas = {tensor.name for tensor in one.tensors if tensor.quantity == "bias_gradients"}
            if deltas & (consistent | {tensor.name for tensor in one.tensors if tensor.right}):  # not all are made up
                follows |= wrong & consistent
    return follows


def _consistent(one: Answer, db: Sequence[Array], dW: Sequence[Array]) -> set[str]:
    probe, rule = one.probe, ChainRule()
    p = Pass(probe.network, probe.W, probe.b, probe.z, probe.a, probe.y)
    names = {(tensor.quantity, tensor.layer): tensor.name for tensor in one.tensors}
    deltas = [np.asarray(bias, dtype=np.float64)[np.newaxis, :] for bias in db]  # (1, n) each
    found = set()
    for l, delta in enumerate(deltas):
        if l < len(deltas) - 1:
            dC_da = rule.sum_over_paths(p, l + 1, deltas[l + 1], rule.input_slope(p, l + 1))
            if _near(delta, rule.unit_error(p, l, dC_da, rule.activation_slope(p, l))):
                found.add(names["bias_gradients", l])
        if _near(dW[l], rule.kernel_gradient(p, l, delta, rule.kernel_slope(p, l))):
            found.add(names["kernel_gradients", l])
    return found


def _near(actual: Array, reference: Array) -> bool:
    norm = float(np.linalg.norm(reference))
    return norm > 0 and float(np.linalg.norm(actual - reference)) <= CONSISTENT * norm
