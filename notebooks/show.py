"""What the notebook says and tabulates: sentences and tables whose numbers come from its cells."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from IPython.display import Markdown, display

from backprop.compare import relative_error
from backprop.functions import Array

ROUNDING = 1e-12
"""The largest relative difference of two numbers that are called the same."""
VERDICTS = {True: "agrees", False: "**wrong**"}


def say(*sentences: str) -> None:
    """Show sentences as a paragraph."""
    display(Markdown(" ".join(sentences)))


def table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Show a table; floats get six digits."""
    lines = [
        head,
        ["---"] * len(head),
        *([_cell(value) for value in row] for row in rows),
    ]
    display(Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines)))


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "0" if value == 0 else f"{value:.6g}"
    return str(value)


def shape(array: Array) -> str:
    """The shape of an array, as in 784 x 16."""
    return " x ".join(map(str, array.shape)) if array.ndim else "a number"


def error(actual: Array, reference: Array) -> str:
    """The norm of the difference over the norm of the reference, short: 0 or as in 2.4e-16."""
    actual, reference = np.asarray(actual), np.asarray(reference)
    value = float(relative_error(actual, reference, num_axes=reference.ndim))
    return "0" if value == 0 else f"{value:.1e}"


def verdicts(formulas: Iterable[tuple[str, Any, Any, Any, Any]]) -> None:
    """Show formulas with their values beside the truth, and which of them agree with it.

    Args:
        formulas: the formula, its value as printed, its value as corrected (None where that is the same), the value by
            the complex step, and that by the tape (None where the tape has none). Values are numbers, or arrays of one.
    """
    rows = []
    for formula, printed, corrected, watched, tape in formulas:
        for name, value in (
            (formula, printed),
            ("&emsp;corrected: a(L-1) for a(L)", corrected),
        ):
            if value is not None:
                truths = [
                    _number(truth) for truth in (watched, tape) if truth is not None
                ]
                right = all(
                    abs(_number(value) - truth) <= ROUNDING * abs(truth)
                    for truth in truths
                )
                rows.append(
                    [
                        name,
                        _number(value),
                        *truths,
                        *["-"] * (2 - len(truths)),
                        VERDICTS[right],
                    ]
                )
    table(["as printed", "value", "complex step", "tape", ""], rows)


def _number(value: Any) -> float:
    return float(np.asarray(value).item())
