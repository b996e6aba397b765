"""What the notebook says and tabulates: sentences and tables whose numbers come from its cells."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from IPython.display import Markdown, display

from backprop.compare import relative_error
from backprop.functions import Array

ROUNDING = 1e-12
"""The largest relative difference of two numbers that are called the same."""


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


def same(actual: Any, reference: Any) -> bool:
    """Whether two numbers, or two arrays of one shape, are equal but for rounding."""
    actual, reference = np.asarray(actual), np.asarray(reference)
    return float(relative_error(actual, reference, num_axes=reference.ndim)) <= ROUNDING


def compared(actual: Array, reference: Array) -> str:
    """In words: the same, or not, and by how much."""
    if same(actual, reference):
        return f"the same but for {error(actual, reference)}"
    return f"**not the same**: different by {error(actual, reference)}"


def verdicts(
    formulas: Iterable[tuple[str, Any, Any, Any, Any, Any]],
) -> dict[str, bool | str]:
    """Show formulas with their values beside the truth, and which of them agree with it.

    Args:
        formulas: the formula, its value as printed, its value as corrected (None where that is the same), the manual
            module's, the value by the complex step, and that by the tape (None where the tape has none). Values are
            numbers, or arrays of one.

    Returns:
        By formula, whether it holds as printed; where only the corrected one does, and the manual module has it, that
        it is a misprint.
    """
    rows, found = [], {}
    for formula, printed, corrected, manual, watched, tape in formulas:
        truths = [truth for truth in (watched, tape) if truth is not None]
        values = {
            formula: printed,
            "&emsp;corrected: a(L-1) for a(L)": corrected,
            "&emsp;manual module": manual,
        }
        right = {
            name: all(same(_number(v), _number(t)) for t in truths)
            for name, v in values.items()
            if v is not None
        }
        for name, holds in right.items():
            columns = [
                _number(values[name]),
                *map(_number, truths),
                *["-"] * (2 - len(truths)),
            ]
            rows.append([name, *columns, "agrees" if holds else "**wrong**"])
        others_hold = all(holds for name, holds in right.items() if name != formula)
        found[formula] = (
            "**misprint**: a(L-1)"
            if others_hold and not right[formula]
            else all(right.values())
        )
    table(["as printed", "value", "complex step", "tape", ""], rows)
    return found


def _number(value: Any) -> float:
    return float(np.asarray(value).item())


Row = str | tuple[str, str, str | dict[str, str]]
"""A heading; or what the lecture says, in which sections that is, and a claim's name, or a claim's name and other words
for where it holds, or just words."""


class Claims(dict[str, bool | str]):
    """What the lecture claims, by a name for each claim, and whether it was found to hold."""

    def show(self, rows: Iterable[Row]) -> None:
        """Show where each of the lecture's sentences is, and what became of it.

        Raises:
            ValueError: where something was noted that no row tells of.
        """
        lines, told = [], set()
        for row in rows:
            if isinstance(row, str):
                lines.append([f"**{row}**", "", ""])
                continue
            text, sections, verdict = row
            [(name, words)] = (
                verdict.items() if isinstance(verdict, dict) else [(verdict, "holds")]
            )
            if isinstance(verdict, dict) and name not in self:
                raise ValueError(f"nothing was noted of the claim {name!r}")
            told.add(name)
            lines.append(
                [
                    text,
                    ", ".join(map(_link, sections.split())),
                    self._in_words(name, words),
                ]
            )
        if untold := set(self) - told:
            raise ValueError(f"no row tells what became of {', '.join(sorted(untold))}")
        table(["in the lecture", "here", "what the cells noted"], lines)

    def _in_words(self, name: str, words: str) -> str:
        if name not in self:
            return name
        if isinstance(found := self[name], str):
            return found
        return words if found else "**does not hold**"


def _link(section: str) -> str:
    return f"[{section}](#{'s' if section.isdigit() else ''}{section})"
