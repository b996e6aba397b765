"""Between the manual module's layout and the student's.

The manual module has samples in rows, kernels (inputs, outputs) and biases (outputs,). A `Form` says what the other
side has; `to_form` and `from_form` translate any quantity of an assignment there and back. What an assignment declares
is a form; a student who wrote everything in another one is recognised by trying the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.functions import Array
from grading.assignment import Assignment

KERNELS = ("kernels", "kernel_gradients")
BIASES = ("biases", "bias_gradients")
SAMPLES = ("x", "y", "a", "z", "output", "values", "zs", "activations")
LISTS = (*KERNELS, *BIASES, "zs", "activations")
"""Quantities with one array for each layer."""


@dataclass(frozen=True)
class Form:
    """A layout.

    Attributes:
        kernels_transposed: kernels are (outputs, inputs).
        samples_in_columns: a batch is (units, samples).
        column_biases: biases are (outputs, 1).
    """

    kernels_transposed: bool = False
    samples_in_columns: bool = False
    column_biases: bool = False

    def differences(self, other: Form) -> list[str]:
        """In what this form is another than `other`; the names are those of the assignment's dialects."""
        return [
            name
            for name in ("transposed_kernels", "samples_in_columns", "column_biases")
            if getattr(self, _FIELDS[name]) != getattr(other, _FIELDS[name])
        ]

    def __str__(self) -> str:
        return (
            f"samples in {'columns' if self.samples_in_columns else 'rows'}, "
            f"kernels ({'outputs, inputs' if self.kernels_transposed else 'inputs, outputs'}), "
            f"biases ({'outputs, 1' if self.column_biases else 'outputs,'})"
        )


_FIELDS = {
    "transposed_kernels": "kernels_transposed",
    "samples_in_columns": "samples_in_columns",
    "column_biases": "column_biases",
}

FORMS = [Form(*choice) for choice in itertools.product((False, True), repeat=3)]
"""All of them."""


def declared_form(assignment: Assignment) -> Form:
    """The form that the assignment asks for."""
    return Form() if assignment.layout == "keras" else Form(True, True, True)


def to_form(name: str, value: Any, form: Form) -> Any:
    """A quantity as the other side has it: new arrays, contiguous as fresh ones are."""
    return _each(name, value, lambda array: np.array(_to_form(name, array, form), order="C"))


def from_form(name: str, value: Any, form: Form) -> Any:
    """A quantity as the manual module has it. Arrays of another number of axes stay as they are."""
    return _each(name, value, lambda array: _from_form(name, array, form))


def _each(name: str, value: Any, translate: Callable[[Array], Array]) -> Any:
    if name in LISTS:
        return [translate(array) for array in value]
    return translate(value) if isinstance(value, np.ndarray) else value


def _to_form(name: str, array: Array, form: Form) -> Array:
    if name in KERNELS:
        return array.T if form.kernels_transposed else array
    if name in BIASES:
        return array[:, np.newaxis] if form.column_biases else array
    if name in SAMPLES:
        return array.T if form.samples_in_columns else array
    return array


def _from_form(name: str, array: Array, form: Form) -> Array:
    if name in BIASES:
        return array[:, 0] if form.column_biases and array.ndim == 2 and array.shape[1] == 1 else array
    return _to_form(name, array, form) if array.ndim == 2 else array
