"""Does a gradient agree with the tape's? The judgement is the gradient check's; this puts it into values."""

from dataclasses import dataclass

import numpy as np

from backprop_check.format import About, Array, KeptStep


@dataclass(frozen=True)
class Verdict:
    """On one kernel's or bias's gradient.

    Attributes:
        error: as the gradient check judged it.
        agrees: whether that is within the tolerance; NaN is not.
        rounding: whether it is so only because the check allowed for rounding: the plain error is above the tolerance.
        plain_error: ||tape - manual|| / ||manual||, from the gradients themselves.
    """

    error: float
    agrees: bool
    rounding: bool
    plain_error: float


def judge(about: About, step: KeptStep, layer: int) -> tuple[Verdict, Verdict]:
    """The verdicts on a layer's kernel and bias."""
    return (
        _judge(about.tolerance, float(step.errors[2 * layer]), step.kernels[layer]),
        _judge(about.tolerance, float(step.errors[2 * layer + 1]), step.biases[layer]),
    )


def _judge(tolerance: float, error: float, pair: Array) -> Verdict:
    plain_error = relative_error(*pair.astype(np.float64))
    agrees = error <= tolerance
    return Verdict(error, agrees, agrees and not plain_error <= tolerance, plain_error)


def relative_error(tape: Array, manual: Array) -> float:
    """||tape - manual|| / ||manual||. Two zeros agree: 0. Anything against a zero: infinity. NaN stays NaN.

    Example:
        >>> relative_error(np.array([3.0, 4.5]), np.array([3.0, 4.0]))
        0.1
    """
    with np.errstate(all="ignore"):
        distance, norm = np.linalg.norm(tape - manual), np.linalg.norm(manual)
        return 0.0 if distance == 0 else float(distance / norm)
