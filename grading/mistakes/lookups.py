"""What wrong rules look up: p is what is known when the way back begins, l the layer, counted from 0."""

from __future__ import annotations

from backprop.functions import Array, softmax
from backprop.network import Pass

SQUARED = ("squared-error", "half-squared-error")
"""Costs with a square."""

BEND = ("sigmoid", "tanh")
"""Activations whose slope changes everywhere."""


def batch_size(p: Pass) -> int:
    """Samples in the batch, m in the formulas."""
    return int(p.y.shape[-2])


def num_outputs(p: Pass) -> int:
    """Units of the last layer."""
    return int(p.y.shape[-1])


def is_output(p: Pass, l: int) -> bool:
    """Whether layer l is the last one."""
    return l == len(p.z) - 1


def probabilities(p: Pass) -> Array:
    """The last layer's activations as the student knows them: softmax of the logits."""
    return softmax(p.a[-1])


def output_delta(p: Pass) -> Array:
    """delta of the last layer, by the rules in force."""
    last, rule = len(p.z) - 1, p.network.rule
    return rule.unit_error(p, last, rule.cost_slope(p), rule.activation_slope(p, last))


def reference_slope(p: Pass, l: int, z: Array) -> Array:
    """s' of layer l at another place."""
    return p.network.activations[l].derivative(z)
