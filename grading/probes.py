"""The problems that a submission is tried on: small networks, chosen so that no mistake can hide.

Where two numbers are equal, mistakes that exchange them cannot be seen: a mean over the units for a mean over the
samples, a kernel for its transpose. So probe A has widths and a batch size that all differ, and mistakes show by their
shapes or by their factors. Probe C is the opposite: all widths and the batch size are 5, so that what merely crashes on
A runs, and can be told by its values. Biases are never zero, inputs have both signs, targets are soft.

With one sample a bias's gradient *is* its layer's delta: the single-sample probe shows every step of the way back by
itself. The lecture's own network, 784-16-16-10, has two layers of equal width; mistakes that live on these show there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backprop.descent import Batch
from backprop.functions import ACTIVATIONS, COSTS, Array, Cost, squared_error, squared_error_slope
from backprop.network import Network, backward, forward
from grading.assignment import ARGUMENTS, Assignment

GRADED_COSTS = COSTS | {
    "half-squared-error": Cost(
        "half-squared-error",
        lambda a, y: squared_error(a, y) / 2,
        lambda a, y: squared_error_slope(a, y) / 2,
    )
}
"""The manual module's costs, and the other convention that half the textbooks use."""

SIZES_A = (7, 5, 4, 3)
SIZES_C = (5, 5, 5, 5, 5)
SIZES_LOOP = (5, 4, 3, 2)
SIZES_REAL = (784, 16, 16, 10)
SIZES_ONE_OUTPUT = (4, 3, 1)
SIZES_ONE_LAYER = (6, 3)

KINK = 1e-3
"""A ReLU's input this near zero could fall to either side by rounding: such a draw is made again."""

LEARNING_RATES = (0.25, 0.35)
"""Drawn between these. At 1, forgetting it would not show; nor squaring it."""


@dataclass(frozen=True)
class Probe:
    """One problem, in the manual module's layout, float64. `z` and `a` are the reference's.

    Attributes:
        name: for people: "7-5-4-3, 11 samples".
        network: activations and cost.
        W, b: parameters.
        x, y: inputs and targets, all samples.
        z, a: of the reference's forward pass; `a` begins with x.
        dW, db: for the step alone: made up, so that a wrong gradient cannot spoil it.
        batches: for the loop: row numbers, one array a step.
        learning_rate: of the step and of the loop.
        elementwise: for functions of one array: numbers of ordinary size, or with extremes.
    """

    name: str
    network: Network
    W: list[Array]
    b: list[Array]
    x: Array
    y: Array
    z: list[Array]
    a: list[Array]
    dW: list[Array]
    db: list[Array]
    batches: list[Batch]
    learning_rate: float
    elementwise: Array

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of all layers."""
        return (self.W[0].shape[0], *(W.shape[1] for W in self.W))


def network_of(assignment: Assignment, num_layers: int) -> Network:
    """The reference for an assignment. Softmax with cross-entropy is computed from logits, linear outputs."""
    output = "linear" if assignment.output == "softmax" else assignment.output
    names = [assignment.activation] * (num_layers - 1) + [output]
    return Network(tuple(ACTIVATIONS[name] for name in names), GRADED_COSTS[assignment.cost])


def layer_names(num_layers: int) -> list[str]:
    """`hidden_1`, `hidden_2`, ..., `output`, from the input's side."""
    return [f"hidden_{l + 1}" for l in range(num_layers - 1)] + ["output"]


def draw(
    assignment: Assignment,
    sizes: Sequence[int],
    batch_size: int,
    rng: np.random.Generator,
    name: str = "",
    batch_lengths: Sequence[Sequence[int]] = (),
) -> Probe:
    """Draw a problem; again where a ReLU stands too near its kink.

    Args:
        assignment: activations and cost.
        sizes: units of all layers.
        batch_size: samples.
        rng: where the numbers come from.
        name: by default, sizes and samples.
        batch_lengths: for the loop: the lengths of the batches of each epoch, each with an order of its own.
    """
    network = network_of(assignment, len(sizes) - 1)
    while True:
        # the wide network as it is trained: pixels, and kernels that leave the sigmoids their slope
        wide = sizes[0] > 100
        scales = [n**-0.5 if wide else 1.0 for n in sizes[:-1]]
        W = [s * rng.normal(size=shape) for s, shape in zip(scales, itertools.pairwise(sizes), strict=True)]
        b = [rng.normal(size=n) for n in sizes[1:]]
        x = rng.uniform(size=(batch_size, sizes[0])) if wide else rng.normal(size=(batch_size, sizes[0]))
        y = rng.uniform(0.05, 0.95, size=(batch_size, sizes[-1]))
        if assignment.output == "softmax":
            y /= y.sum(axis=-1, keepdims=True)  # probabilities
        z, a = forward(network, W, b, x)
        kinks = (z_l for z_l, activation in zip(z, network.activations, strict=True) if activation.has_kink)
        dW, _ = backward(network, W, b, z, a, y)
        # and no layer may be dead: a gradient that is zero hides what comes before it
        if all(np.abs(z_l).min() > KINK for z_l in kinks) and all(np.any(dW_l) for dW_l in dW):
            break
    batches: list[Batch] = []
    for lengths in batch_lengths:
        order = rng.permutation(batch_size)
        batches += np.split(order, np.cumsum(lengths)[:-1])
    elementwise = rng.normal(size=(batch_size, sizes[-1])) * 2
    return Probe(
        name=name or f"{'-'.join(map(str, sizes))}, {batch_size} sample{'s' * (batch_size > 1)}",
        network=network,
        W=W,
        b=b,
        x=x,
        y=y,
        z=z,
        a=a,
        dW=[rng.normal(size=W_l.shape) for W_l in W],
        db=[rng.normal(size=b_l.shape) for b_l in b],
        batches=batches,
        learning_rate=float(rng.uniform(*LEARNING_RATES)),
        elementwise=elementwise,
    )


def extremes(probe: Probe, rng: np.random.Generator) -> Array:
    """Rows of large numbers of both signs, up to 1000, as many columns as there are outputs."""
    rows = np.array([[-1000.0, 1000.0, 0.5], [1000.0, -30.0, 30.0], [-1000.0, -999.0, -998.5], [-40.0, -1.0, 2.0]])
    columns = rng.permuted(np.resize(rows, (len(rows), probe.sizes[-1])), axis=1)
    return np.asarray(columns)


def probes_for(assignment: Assignment, computes: str, seed: int) -> list[Probe]:
    """The probes of one kind of question: two draws of A, C, one sample, the real network; the loop for `train`.

    The first is the one on which the function is called once more, for repeatability. Each kind has draws of its own,
    so that an answer to one question tells nothing about another.
    """
    rng = np.random.default_rng([seed, list(ARGUMENTS).index(computes)])

    def size(samples: int) -> int:
        return 1 if assignment.samples == "one" else samples

    if computes == "train":
        two_epochs = [[4, 4, 3], [4, 4, 3]]
        return [
            draw(assignment, SIZES_LOOP, 11, rng, "5-4-3-2, 11 samples in batches of 4, two epochs", two_epochs),
            draw(assignment, SIZES_LOOP, 11, rng, "5-4-3-2, 11 samples in batches of 4, two epochs again", two_epochs),
            draw(assignment, SIZES_LOOP, 11, rng, "5-4-3-2, all 11 samples in one batch, one step", [[11]]),
            draw(assignment, SIZES_C, 5, rng, "5-5-5-5-5, all 5 samples in each batch, two steps", [[5], [5]]),
            draw(assignment, SIZES_REAL, 12, rng, "784-16-16-10, 12 samples in batches of 5, one epoch", [[5, 5, 2]]),
        ]
    small = [
        draw(assignment, SIZES_A, size(11), rng),
        draw(assignment, SIZES_C, size(5), rng),
        draw(assignment, SIZES_A, size(11), rng, f"7-5-4-3, {size(11)} sample{'s' * (size(11) > 1)}, drawn again"),
        draw(assignment, SIZES_A, 1, rng, "7-5-4-3, one sample"),
        draw(assignment, SIZES_C, 1, rng, "5-5-5-5-5, one sample"),
    ]
    if computes in ("activation", "activation slope", "output activation"):
        large = dataclasses.replace(small[0], name="numbers up to 1000", elementwise=extremes(small[0], rng))
        row = dataclasses.replace(small[2], name="a single row of numbers", elementwise=small[2].elementwise[0])
        return [*small[:2], large] + ([row] if computes != "output activation" else [])
    if computes == "sgd step":
        return small[:3]
    if computes == "cost":
        small.pop()  # a cost has no layers
    small.append(draw(assignment, SIZES_REAL, size(12), rng))
    if computes in ("forward", "backward"):
        small.append(draw(assignment, SIZES_ONE_LAYER, size(8), rng))
    if computes in ("cost", "backward") and assignment.output != "softmax" and assignment.samples == "batch":
        small.append(draw(assignment, SIZES_ONE_OUTPUT, 6, rng))
    if computes == "cost" and assignment.output == "softmax":
        small = [_moderate(probe, rng) for probe in small]
        small.append(_impossible(small[0]))
    return small


def _moderate(probe: Probe, rng: np.random.Generator) -> Probe:
    """Probabilities far from 0: a guard of 1e-12 or 1e-15 inside the logarithm, as textbooks have it, does not show."""
    return dataclasses.replace(probe, a=[*probe.a[:-1], rng.normal(size=probe.a[-1].shape) / 2])  # logits


def _impossible(probe: Probe) -> Probe:
    """In half of the samples a class has the probability 0, exactly, and 0 as its target: it adds nothing."""
    logits, y = probe.a[-1].copy(), probe.y.copy()
    rows = np.arange(0, len(y), 2)
    classes = rows % y.shape[-1]
    logits[rows, classes] = -1000.0
    y[rows, classes] = 0.0
    y /= y.sum(axis=-1, keepdims=True)
    name = f"{probe.name}, some classes impossible"
    return dataclasses.replace(probe, name=name, y=y, a=[*probe.a[:-1], logits])
