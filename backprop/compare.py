"""Do two sets of gradients agree? One number for each tensor, and a report a person can read.

The measure is the norm of the difference over the norm of the reference,

    error = ||g - r|| / ||r||

for each kernel and each bias by itself. Entry by entry would not do: a correct float32 gradient has entries that are
3 % off, because large terms cancel in them, while the tensor as a whole is right to six digits. And a test such as
`allclose`, with an absolute tolerance, lets small wrong gradients pass.

A gradient that is zero, or as small as rounding, cannot be judged relative to itself. `backprop.rounding` then tells
what rounding can account for, and `relative_error` takes that as a floor under ||r||, or as slack for single entries.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backprop.functions import Array

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
"""The largest error that counts as agreement. Ordinary float32 gradients stay below it, most of them below 1e-6; the
mildest mistake that people really make lies at 2e-3."""


def tolerance_for(dtype: np.dtype) -> float:
    """The tolerance for gradients of this dtype.

    Raises:
        ValueError: where the dtype is not float32 or float64.
    """
    name = np.dtype(dtype).name
    if name not in TOLERANCES:
        raise ValueError(f"gradients are {name}; expected one of: {', '.join(TOLERANCES)}")
    return TOLERANCES[name]


def norm(tensor: Array, num_axes: int) -> Array:
    """The Euclidean norm over the last `num_axes` axes: (...), float64, as from `norms`."""
    lead = tensor.shape[: tensor.ndim - num_axes]
    return norms([tensor.reshape(math.prod(lead), -1)])[0].reshape(lead)


def norms(tensors: Sequence[Array]) -> Array:
    """The Euclidean norms of several tensors of one dtype, over all of their axes but the first.

    The squares are added up in the tensors' own precision. Where they would under- or overflow, the entries are divided
    by the largest of them first.

    Args:
        tensors: (n, *shape) each.

    Returns:
        (tensors, n), float64.
    """
    rows = [tensor.reshape(len(tensor), -1) for tensor in tensors]  # (n, entries) each
    with np.errstate(over="ignore", under="ignore"):
        squares = np.array([np.vecdot(r, r) for r in rows])
    info = np.finfo(squares.dtype)
    result = np.sqrt(squares, dtype=np.float64)
    unsafe = ~((squares > info.tiny / info.eps) & (squares < np.inf))  # where it is zero or NaN, too
    for i in np.flatnonzero(unsafe.any(axis=-1)):
        largest = np.maximum(rows[i].max(axis=-1, initial=0), -rows[i].min(axis=-1, initial=0)).astype(np.float64)
        k = unsafe[i] & (largest > 0) & np.isfinite(largest)
        scaled = rows[i][k] / largest[k, np.newaxis]  # float64
        result[i, k] = np.sqrt(np.vecdot(scaled, scaled)) * largest[k]
    return result


def relative_error(
    actual: Array, reference: Array, num_axes: int, floor: Array | float = 0.0, slack: Array | float = 0.0
) -> Array:
    """||actual - reference|| / ||reference||, over the last `num_axes` axes.

    Args:
        actual: (..., *shape), with `num_axes` axes in shape.
        reference: the same shape.
        num_axes: 2 for kernels, 1 for biases, 0 for numbers.
        floor: (...), the least norm that the difference is held against.
        slack: (..., *shape), how much each entry may differ for free.

    Returns:
        (...), float64. Two zeros agree: 0. Anything against a zero without a floor: inf. NaN stays NaN.

    Raises:
        ValueError: where the shapes differ; broadcasting would hide it.

    Example:
        >>> relative_error(np.array([3.0, 4.5]), np.array([3.0, 4.0]), num_axes=1)
        array(0.1)
    """
    if actual.shape != reference.shape:
        raise ValueError(f"gradient has shape {actual.shape}; expected {reference.shape}, as its reference")
    difference = actual - reference
    distance = norm(beyond(difference, slack) if np.any(slack) else difference, num_axes)
    return ratio(distance, np.maximum(norm(reference, num_axes), floor))


def beyond(difference: Array, slack: Array | float) -> Array:
    """What is left of the size of each entry's difference when this much is free."""
    return np.maximum(np.abs(difference) - slack, 0)


def ratio(distance: Array, scale: Array) -> Array:
    """distance / scale, where 0 / 0 is 0: two zeros agree."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / scale)


@dataclass(frozen=True)
class TensorReport:
    """How one gradient compares with its reference.

    Attributes:
        name: such as "hidden_1 kernel".
        error: norm-relative, see `relative_error`.
        tolerance: the largest error that counts as agreement.
        cosine: of the angle between the two; 1 is the same direction, -1 the wrong sign. NaN where one is zero.
        norm_ratio: ||actual|| / ||reference||; 0.5 hints at a missing factor 2. NaN or inf where the reference is zero.
    """

    name: str
    error: float
    tolerance: float
    cosine: float
    norm_ratio: float

    @property
    def agrees(self) -> bool:
        """Whether the error is within the tolerance. NaN is not."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        return (
            f"{self.name}: error {self.error:.2g}, tolerance {self.tolerance:.0e}, "
            f"cosine {self.cosine:.6f}, ratio of norms {self.norm_ratio:.6g}"
        )


def compare(
    names: Sequence[str],
    actual: Sequence[Array],
    reference: Sequence[Array],
    tolerance: float,
) -> list[TensorReport]:
    """Compare gradients with their references, tensor by tensor.

    Args:
        names: one for each tensor.
        actual: the gradients under test.
        reference: the gradients to hold them against, in the same order and shapes.
        tolerance: the largest error that counts as agreement.

    Returns:
        A report for each tensor.

    Raises:
        ValueError: where shapes differ, all of them in one message.

    Example:
        >>> [report] = compare(["output bias"], [np.array([1.0, -2.0])], [np.array([2.0, -4.0])], tolerance=1e-12)
        >>> print(report)
        output bias: error 0.5, tolerance 1e-12, cosine 1.000000, ratio of norms 0.5
    """
    wrong_shapes = [
        f"{name} gradient has shape {g.shape}; expected {r.shape}."
        + (" Kernels are (inputs, outputs): transpose it." if g.ndim == 2 and g.T.shape == r.shape else "")
        for name, g, r in zip(names, actual, reference, strict=True)
        if g.shape != r.shape
    ]
    if wrong_shapes:
        raise ValueError("\n".join(wrong_shapes))
    return [_report(name, g, r, tolerance) for name, g, r in zip(names, actual, reference, strict=True)]


def _report(name: str, g: Array, r: Array, tolerance: float) -> TensorReport:
    g, r = g.astype(np.float64), r.astype(np.float64)
    g_norm, r_norm = norm(g, g.ndim), norm(r, r.ndim)
    with np.errstate(all="ignore"):  # zeros, and what is not finite, give NaN and inf
        cosine = np.sum((g / g_norm) * (r / r_norm))
        norm_ratio = g_norm / r_norm
        error = relative_error(g, r, g.ndim)
    return TensorReport(name, float(error), tolerance, float(cosine), float(norm_ratio))
