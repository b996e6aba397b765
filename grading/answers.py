"""From what a function returned to a judgement of each tensor.

Structure first (a tuple of two lists, one array a layer), then shapes, then whether the numbers are finite, then the
numbers: ||returned - reference|| / ||reference|| for each tensor, as everywhere in this project. Single precision is
within its rights, and noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.compare import relative_error
from backprop.functions import Array
from grading.assignment import Question
from grading.derivation import Quantities, arrays
from grading.layout import BIASES, LISTS, Form, from_form, to_form
from grading.probes import Probe, layer_names
from grading.sandbox import Failure, Other, Returned, Verdict

TOLERANCE = 1e-10
"""For float64. A derivation leaves 1e-16 to 1e-14."""

SINGLE_TOLERANCE = 2e-5
"""For results in float32, or in float64 that were shown to have gone through float32."""

LARGEST = 1 << 18
"""Entries of an array that are looked at: the largest that is asked for has 784 x 16."""

TENSOR_WORDS = {
    "kernels": "kernel",
    "kernel_gradients": "kernel",
    "biases": "bias",
    "bias_gradients": "bias",
    "zs": "z",
    "activations": "activation",
}
SINGLE_WORDS = {"cost": "cost", "values": "values", "output": "output activation"}


@dataclass(frozen=True)
class Tensor:
    """One returned array, judged.

    Attributes:
        name: "hidden_1 kernel".
        quantity: the assignment's word for what it is part of.
        layer: counted from 0; 0 where there is only one.
        error: norm-relative; inf where it could not be compared.
        tolerance: the largest error that counts as right.
        problem: why it could not be compared: its shape, or numbers that are not finite. "" where it could.
    """

    name: str
    quantity: str
    layer: int
    error: float
    tolerance: float
    problem: str = ""

    @property
    def right(self) -> bool:
        """Within the tolerance."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Answer:
    """What a function answered to one probe.

    Attributes:
        probe: the problem.
        expected: the reference, in the manual module's layout.
        got: what came back, in the manual module's layout; None where there is nothing that could be compared.
        failure: why not.
        tensors: each array's judgement, in the order in which they are computed.
        remarks: what is accepted, and told.
        returned: what came back, as it came.
    """

    probe: Probe
    expected: Quantities
    got: Quantities | None
    failure: Failure | None
    tensors: tuple[Tensor, ...] = ()
    remarks: tuple[str, ...] = ()
    returned: Any = None

    @property
    def right(self) -> bool:
        """Everything within its tolerance."""
        return self.failure is None and all(tensor.right for tensor in self.tensors)

    @property
    def worst(self) -> Tensor | None:
        """The tensor with the largest error."""
        return max(self.tensors, key=lambda tensor: tensor.error / tensor.tolerance, default=None)

    @property
    def single_precision(self) -> bool:
        """Whether it is as exact as float32 only."""
        return any(TOLERANCE < tensor.error <= tensor.tolerance for tensor in self.tensors)


class _Malformed(Exception):
    """The returned value is not built as asked. The message says how it is, and how it should be."""


def judge(
    question: Question,
    probe: Probe,
    expected: Quantities,
    outcome: Returned | Failure,
    form: Form,
    rounded: bool = False,
) -> Answer:
    """Judge one call.

    Args:
        question: what was asked.
        probe: the problem.
        expected: the reference's answer, in the manual module's layout.
        outcome: what came from the sandbox.
        form: the layout to read the result in.
        rounded: whether its float64 results are known to come of float32.
    """
    if isinstance(outcome, Failure):
        return Answer(probe, expected, None, outcome)
    try:
        got = _structured(question, outcome.value, expected)
    except _Malformed as error:
        return Answer(probe, expected, None, Failure(Verdict.RESULT, str(error)), returned=outcome.value)
    got = {name: from_form(name, value, form) for name, value in got.items()}
    got, remarks = _biases_as_asked(got, expected)
    tensors = [
        _tensor(name, layer, array, reference, len(expected[name]) if name in LISTS else 1, form, rounded)
        for name in question.returns
        for layer, (array, reference) in enumerate(zip(arrays(name, got), arrays(name, expected), strict=True))
    ]
    tensors.sort(key=lambda tensor: _order_of_computation(question, tensor))
    return Answer(probe, expected, got, None, tuple(tensors), tuple(remarks), outcome.value)


def _order_of_computation(question: Question, tensor: Tensor) -> tuple[int, int]:
    if question.computes == "backward":
        return -tensor.layer, 0 if tensor.quantity == "bias_gradients" else 1  # delta, then what is made from it
    computed = tensor.layer - (tensor.quantity == "activations")  # a[l + 1] is made from z[l]
    return computed, question.returns.index(tensor.quantity)


# --- structure --------------------------------------------------------------------------------------------------


def _structured(question: Question, value: Any, expected: Quantities) -> Quantities:
    names = question.returns
    if len(names) == 1:
        return {names[0]: _quantity(names[0], value, expected)}
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        raise _Malformed(f"returned {describe(value)}; expected ({', '.join(names)}), a tuple of {len(names)}")
    return {name: _quantity(name, part, expected) for name, part in zip(names, value, strict=True)}


def _quantity(name: str, value: Any, expected: Quantities) -> Any:
    if name not in LISTS:
        return _array(name, value, np.shape(expected[name]))
    number = len(expected[name])
    if isinstance(value, np.ndarray) and value.ndim >= 2 and len(value) == number:
        value = list(value)  # one array of all layers, where their shapes are equal
    if not isinstance(value, (list, tuple)):
        raise _Malformed(f"{name} is {describe(value)}; expected a list of {number} arrays, one for each layer")
    if len(value) != number:
        extra = ", the input first" if name == "activations" else ""
        raise _Malformed(f"{name} has {len(value)} entries; expected {number}, one for each layer{extra}")
    return [_array(f"{name}[{i}]", part, None) for i, part in enumerate(value)]


def _array(name: str, value: Any, shape: tuple[int, ...] | None) -> Array:
    if isinstance(value, (bool, int, float)):
        value = np.asarray(value, dtype=np.float64)
    if not isinstance(value, np.ndarray):
        wanted = "a number" if shape == () else "an array"
        raise _Malformed(f"{name} is {describe(value)}; expected {wanted}")
    if value.size > LARGEST:
        raise _Malformed(f"{name} is an array of shape {value.shape}, far larger than anything that was asked for")
    if shape == () and value.size == 1:
        value = value.reshape(())
    return value if value.dtype in (np.float32, np.float64) else value.astype(np.float64)


def describe(value: Any) -> str:
    """A returned value in a few words."""
    match value:
        case None:
            return "None (is a return missing?)"
        case Other():
            return f"an object of type {value.type_name}"
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case list() | tuple():
            kind = type(value).__name__
            return f"a {kind} of {len(value)}" if value else f"an empty {kind}"
        case _:
            return f"a number, {value!r}"


def _biases_as_asked(got: Quantities, expected: Quantities) -> tuple[Quantities, list[str]]:
    """Biases of shape (1, n) or (n, 1) for (n,): the same numbers, told in a remark."""
    got, remarks = dict(got), []
    for name in set(got) & set(BIASES):
        flat = [flat_bias(array, reference.shape) for array, reference in zip(got[name], expected[name], strict=True)]
        if any(array.shape != before.shape for array, before in zip(flat, got[name], strict=True)):
            remarks.append(f"{name} have an axis of length 1 too many: {got[name][0].shape}")
        got[name] = flat
    return got, remarks


def flat_bias(array: Array, shape: tuple[int, ...]) -> Array:
    """An array of the same entries and one more axis of length 1, brought to `shape`."""
    n = shape[0] if shape else 0
    return array.reshape(shape) if array.shape in ((1, n), (n, 1)) else array


# --- numbers ----------------------------------------------------------------------------------------------------


def _tensor(
    quantity: str, layer: int, array: Array, reference: Array, number: int, form: Form, rounded: bool
) -> Tensor:
    name = tensor_name(quantity, layer, number)
    tolerance = SINGLE_TOLERANCE if rounded or in_single_precision(array) else TOLERANCE
    if array.shape != reference.shape:
        shapes = [_shape_in(form, quantity, a) for a in (array, reference)]
        return Tensor(name, quantity, layer, np.inf, TOLERANCE, f"{name} has shape {shapes[0]}; expected {shapes[1]}")
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        found = "nan" if np.isnan(array).any() else "infinity"
        return Tensor(name, quantity, layer, np.inf, TOLERANCE, f"{name}: {count} of {array.size} values are {found}")
    error = float(relative_error(array.astype(np.float64), reference, array.ndim))
    return Tensor(name, quantity, layer, error, tolerance if TOLERANCE < error <= tolerance else TOLERANCE)


def _shape_in(form: Form, quantity: str, array: Array) -> tuple[int, ...]:
    if array.ndim != 2 and not (quantity in BIASES and array.ndim == 1):
        return array.shape
    translated = to_form(quantity, [array] if quantity in LISTS else array, form)
    return tuple(np.shape(translated[0] if quantity in LISTS else translated))


def tensor_name(quantity: str, layer: int, number: int) -> str:
    """For people: "hidden_1 kernel", "output bias", "input activation", "cost"."""
    if quantity in SINGLE_WORDS:
        return SINGLE_WORDS[quantity]
    names = ["input", *layer_names(number - 1)] if quantity == "activations" else layer_names(number)
    return f"{names[layer]} {TENSOR_WORDS[quantity]}"


def in_single_precision(array: Array) -> bool:
    """Whether all numbers are float32's, by their type or by their values."""
    if array.dtype == np.float32:
        return True
    with np.errstate(over="ignore"):
        return bool(np.all(array.astype(np.float32) == array))
