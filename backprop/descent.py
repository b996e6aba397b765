"""Stochastic gradient descent by hand: many steps of `backprop.network`, one for each batch.

The lecture's loop is short. For each batch of samples:

    forward     what does the network answer?
    backward    which way is uphill?
    sgd_step    a nudge downhill

`steps` is that loop, and `train` goes through it to the end. Each of its decisions is a small function of its own:
which batches, which samples, at which parameters the gradient is taken, which direction and how far to go. `Descent`
holds them, as `ChainRule` holds the factors of the gradient, so that each can be replaced to see what a mistake does to
the training.

    W, b = train(network, W, b, x, y, batches, learning_rate=1.0)

The letters are those of `backprop.network`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from backprop.functions import Array
from backprop.network import Arrays, Network, backward, forward, sgd_step

Batch: TypeAlias = npt.NDArray[np.integer[Any]]
"""Which samples: their row numbers in x and y, (B,)."""

Parameters: TypeAlias = tuple[list[Array], list[Array]]
"""Kernels and biases; or the gradients of both."""


@dataclass(frozen=True)
class Run:
    """All that is known when a step begins: the decisions of the loop are functions of this.

    Attributes:
        network: activations, cost, and the chain rule.
        x: all inputs, (N, n_0).
        y: all targets, (N, n_L).
        batches: row numbers, one array for each step.
        learning_rate: the length of a step, as a factor of the gradient.
        parameters: `(W, b)` before each step so far, the present one last.
        gradients: `(dW, db)` of each step so far, the present one last.
        memory: what a wrong rule keeps from step to step, by a name of its own; the right ones keep nothing.
    """

    network: Network
    x: Array
    y: Array
    batches: Sequence[Batch]
    learning_rate: float
    parameters: list[Parameters] = field(default_factory=list)
    gradients: list[Parameters] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)


def schedule(r: Run) -> Sequence[Batch]:
    """The batches, in the order of the steps."""
    return r.batches


def samples(r: Run, batch: Batch) -> tuple[Array, Array]:
    """The inputs and the targets of a batch: the same rows of both."""
    return r.x[batch], r.y[batch]  # (B, n_0), (B, n_L)


def point(r: Run) -> Parameters:
    """Where the gradient is taken: at the parameters as they are now."""
    return r.parameters[-1]


def gradient(r: Run, W: Arrays, b: Arrays, x: Array, y: Array) -> Parameters:
    """The gradient of the batch's cost at W, b: forward, then backward."""
    z, a = forward(r.network, W, b, x)
    return backward(r.network, W, b, z, a, y)


def direction(r: Run) -> Parameters:
    """What the step follows: the gradient of this batch, and nothing of the steps before."""
    return r.gradients[-1]


def rate(r: Run) -> float:
    """How far: the learning rate, the same for all steps."""
    return r.learning_rate


@dataclass(frozen=True)
class Descent:
    """The functions above, each of which can be replaced. The default is plain stochastic gradient descent."""

    schedule: Callable[[Run], Sequence[Batch]] = schedule
    samples: Callable[[Run, Batch], tuple[Array, Array]] = samples
    point: Callable[[Run], Parameters] = point
    gradient: Callable[[Run, Arrays, Arrays, Array, Array], Parameters] = gradient
    direction: Callable[[Run], Parameters] = direction
    rate: Callable[[Run], float] = rate
    step: Callable[[Arrays, Arrays, Arrays, Arrays, float], Parameters] = sgd_step


def steps(r: Run, descent: Descent = Descent()) -> Iterator[int]:
    """The loop itself, one step at a time: the batch's gradient, and a nudge against it.

    Args:
        r: with the first parameters in it; each step adds its own.
        descent: the loop's decisions; the default is right.

    Yields:
        How many steps are done, after each.
    """
    for number, batch in enumerate(descent.schedule(r), 1):
        x_batch, y_batch = descent.samples(r, batch)
        r.gradients.append(descent.gradient(r, *descent.point(r), x_batch, y_batch))
        r.parameters.append(descent.step(*r.parameters[-1], *descent.direction(r), descent.rate(r)))
        yield number


def train(
    network: Network,
    W: Arrays,
    b: Arrays,
    x: Array,
    y: Array,
    batches: Sequence[Batch],
    learning_rate: float,
    descent: Descent = Descent(),
) -> Parameters:
    """Gradient descent over the given batches. All steps are kept until it ends: for small networks and few steps.

    Args:
        network: activations, cost, and the chain rule.
        W: kernels, (n_l, n_l+1) each.
        b: biases, (n_l+1,) each.
        x: all inputs, (N, n_0).
        y: all targets, (N, n_L).
        batches: row numbers, one array for each step, of any lengths; an epoch is what has used every row once.
        learning_rate: the length of a step, as a factor of the gradient.
        descent: the loop's decisions; the default is right.

    Returns:
        `(W, b)` after the last step: new arrays; the ones passed in stay as they are.

    Example, one weight, two steps with the target 0: w = 1, then 1 - 0.25 * 2 * 1 = 0.5, then 0.5 - 0.25 * 2 * 0.5:
        >>> line = Network.from_names(["linear"], "squared-error")
        >>> x, y = np.array([[1.0]]), np.array([[0.0]])
        >>> W, b = [np.array([[1.0]])], [np.array([0.0])]
        >>> still = Descent(step=lambda W, b, dW, db, rate: (sgd_step(W, b, dW, db, rate)[0], b))  # b stays
        >>> train(line, W, b, x, y, [np.array([0]), np.array([0])], 0.25, still)
        ([array([[0.25]])], [array([0.])])
    """
    r = Run(network, x, y, batches, learning_rate, parameters=[(list(W), list(b))])
    for _ in steps(r, descent):
        pass
    return r.parameters[-1]
