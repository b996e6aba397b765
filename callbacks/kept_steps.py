"""Keeps single training steps whole for the tab "Backprop check": both gradients, and the factors that explain them."""

import numpy as np
from backprop_check.format import FACTORS, About, KeptStep

from backprop.factors import backward_with_factors
from backprop.network import forward
from callbacks.gradient_check import CheckedSteps, GradientCheck
from callbacks.record import GradientRecord


def describe(check: GradientCheck, record: GradientRecord, image_shape: tuple[int, int] | None) -> About:
    """What is the same at all kept steps of a run."""
    return About(
        layers=tuple(name.removesuffix(" kernel") for name in record.names[::2]),
        activations=tuple(activation.name for activation in check.network.activations),
        cost=check.network.cost.name,
        tolerance=check.tolerance,
        num_steps_per_epoch=record.num_steps_per_epoch,
        image_shape=image_shape,
    )


def keep(check: GradientCheck, record: GradientRecord, k: int) -> KeptStep:
    """Step k of a record, which the check must have seen and checked.

    The manual module goes through the step again, in the network's own number format, and notes all factors.
    """
    W, b = ([parameter[k] for parameter in record.parameters[i::2]] for i in (0, 1))
    x, y = check.x[record.indices[k]], check.y[record.indices[k]]  # (B, inputs), (B, outputs)
    z, a = forward(check.network, W, b, x)
    layers = backward_with_factors(check.network, W, b, z, a, y)
    checked = CheckedSteps.of(record)
    [i] = np.flatnonzero(checked.indices == k)
    return KeptStep(
        errors=checked.errors[:, i],
        kernels=tuple(np.stack([g[k], f.dW]) for g, f in zip(record.gradients[0::2], layers, strict=True)),
        biases=tuple(np.stack([g[k], f.db]) for g, f in zip(record.gradients[1::2], layers, strict=True)),
        factors={name: tuple(getattr(layer, name) for layer in layers) for name in FACTORS},
        outputs=a[-1],
        targets=y,
    )


def bytes_of_step(check: GradientCheck, num_parameters: int, batch_size: int) -> int:
    """About what keeping a step takes: two gradients, and the batch."""
    numbers = 2 * num_parameters + batch_size * check.x.shape[1]
    return numbers * check.x.itemsize
