"""What the microscope shows, for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backprop.functions import Array
from microscope.weight import TOLERANCE, Explanation, Units

MOST_ROWS = 8
"""Of a table. Where there would be more, the largest are shown, and the sum of the others in the last row."""

MOST_OUTPUTS = 10
"""The same, for the table of the output layer."""

COST_SLOPES = {"squared-error": "2 (a_i - y_i)", "cross-entropy": "softmax(a)_i - y_i"}
"""What dC/da_i of an output unit is."""

PIXELS_IN_A_ROW = 28


@dataclass(frozen=True)
class Subject:
    """What is looked at.

    Attributes:
        folder: of the run.
        weights: "trained", or "first": those with which the run began.
        sizes: units of all layers, from the input to the output.
        layers: names of all layers after the input.
        activation: name, of the hidden layers.
        cost: name.
        chosen_among: of which the weight has the largest gradient, in words; empty where it was asked for.
        set: "train" or "test".
        images: int (B,), rows of the set.
        is_first_batch: whether they are those with which the run began, and not asked for by their numbers.
        digits: uint8 (B,), what the images show.
    """

    folder: str
    weights: str
    sizes: tuple[int, ...]
    layers: tuple[str, ...]
    activation: str
    cost: str
    chosen_among: str
    set: str
    images: Array
    is_first_batch: bool
    digits: Array


def print_report(console: Console, subject: Subject, explanation: Explanation) -> None:
    """All of it: what is looked at, the images of a batch, the way from the cost to the weight, the derivations."""
    _print_head(console, subject, explanation)
    if len(subject.images) > 1:
        _print_batch(console, subject, explanation)
    _print_image(console, subject, explanation)
    for units in explanation.layers:
        _print_units(console, subject, units, len(subject.images))
    _print_factors(console, explanation)
    _print_derivations(console, explanation)
    _print_verdict(console, subject, explanation)


def number(value: float) -> str:
    """Four digits, or fewer beside a long exponent: never wider than ten characters.

    Example:
        >>> [number(value) for value in (0.25, -0.00012345, -1.2346e-7, -1.2345e-120, 0.0)]
        ['0.25', '-0.0001234', '-1.235e-07', '-1.23e-120', '0']
    """
    value += 0.0  # no minus before a zero
    return next(text for digits in (4, 3) if len(text := f"{value:.{digits}g}") <= 10)


# --- the parts --------------------------------------------------------------------------------------------------


def _print_head(console: Console, subject: Subject, explanation: Explanation) -> None:
    _say(console, _weight_in_words(subject, explanation), style="bold")
    if subject.chosen_among:
        _say(console, f"Chosen for its gradient, the largest of {subject.chosen_among}.")
    weights = "as trained" if subject.weights == "trained" else "as it began"
    sizes = "-".join(map(str, subject.sizes))
    _say(console, f"Run {subject.folder}, {weights}: {sizes}, {subject.activation}, {subject.cost}")
    which = f"{_count(len(subject.images), 'image')} of the {subject.set} set"
    if subject.is_first_batch:
        which += ", the run's first batch" if subject.set == "train" else ", the first of it"
    mean = "mean cost" if len(subject.images) > 1 else "cost"
    _say(console, f"{which}; {mean} C = {number(explanation.cost)}")
    _say(console, "Units, inputs and images are counted from 0. All is computed in float64.")


def _weight_in_words(subject: Subject, explanation: Explanation) -> str:
    weight, value = explanation.weight, number(explanation.value)
    layer = subject.layers[weight.layer]
    if weight.input is None:
        return f"b_{weight.unit} of {layer} = {value}, the bias of unit {weight.unit}"
    if weight.layer == 0:
        row, column = divmod(weight.input, PIXELS_IN_A_ROW)
        source = f"pixel {weight.input} (row {row}, column {column})"
    else:
        source = f"unit {weight.input} of {subject.layers[weight.layer - 1]}"
    return f"w_{weight.unit},{weight.input} of {layer} = {value}, from {source} to unit {weight.unit}"


def _print_batch(console: Console, subject: Subject, explanation: Explanation) -> None:
    """The three factors and their product, image by image, those with the largest product first."""
    weight = explanation.weight
    last = "dz_j/db_j" if weight.input is None else "dz_j/dw_jk"
    table = _table("image", "digit", "answer", "dC/da_j", "da_j/dz_j", last, "product")
    by_size = np.argsort(-np.abs(explanation.product), kind="stable")
    shown, others = _cut(by_size, MOST_ROWS)
    for row in shown:
        values = (explanation.dC_da[row], explanation.da_dz[row], explanation.dz_dw[row], explanation.product[row])
        answer = int(np.argmax(explanation.outputs[row]))
        table.add_row(str(subject.images[row]), str(subject.digits[row]), str(answer), *map(number, values))
    if len(others) > 0:
        rest = explanation.product[others].sum()
        table.add_row(_count(len(others), "other"), "", "", "", "", "", number(rest))
    table.add_row("sum", "", "", "", "", "", number(explanation.product.sum()))
    table.add_row("mean", "", "", "", "", "", number(explanation.mean))
    letters = f"j = {weight.unit}" + (f", k = {weight.input}" if weight.input is not None else "")
    _headline(console, f"{_gradient_symbol(explanation)} is the mean of the images' products; {letters}")
    console.print(table)


def _print_image(console: Console, subject: Subject, explanation: Explanation) -> None:
    row = explanation.detailed
    outputs = explanation.outputs[row]
    answer, image, digit = int(np.argmax(outputs)), subject.images[row], subject.digits[row]
    which = f"Image {image}, a {digit}{', has the largest product' if len(subject.images) > 1 else ''}."
    _headline(console, f"{which} The network answers {answer}: a_{answer} = {number(outputs[answer])}")


def _print_units(console: Console, subject: Subject, units: Units, num_images: int) -> None:
    """The units i of one layer, with what each sends back along its path to unit j of the layer before."""
    name, is_output = subject.layers[units.layer], units.y is not None
    slope = f"dC/da_i = {COST_SLOPES.get(subject.cost, 'the slope of C')}" if is_output else "dC/da_i is a sum as above"
    _headline(console, f"{name}: {slope}; delta_i = dC/da_i * da_i/dz_i")
    columns = ["i", *(["a_i", "y_i"] if is_output else []), "dC/da_i", "da_i/dz_i", "delta_i"]
    columns += [f"w_i,{units.unit_before}", "delta * w"] if units.paths is not None else []
    table = _table(*columns)
    size = np.abs(units.delta if units.paths is None else units.paths)
    shown, others = _cut(np.argsort(-size, kind="stable"), MOST_OUTPUTS if is_output else MOST_ROWS)
    for i in sorted(shown):
        values = [] if units.y is None else [units.a[i], units.y[i]]
        values += [units.dC_da[i], units.da_dz[i], units.delta[i]]
        values += [] if units.w is None or units.paths is None else [units.w[i], units.paths[i]]
        table.add_row(str(i), *map(number, values))
    if units.paths is not None:
        blank = [""] * (len(columns) - 2)
        if len(others) > 0:
            table.add_row(_count(len(others), "other"), *blank, number(units.paths[others].sum()))
        table.add_row("sum", *blank, number(units.paths.sum()))
    console.print(table)
    slopes = f"{'cost_slope' if is_output else 'sum_over_paths'}, activation_slope, unit_error"
    before, here = subject.sizes[units.layer : units.layer + 2]
    by = f"By {slopes} ({num_images}, {here})"
    if units.paths is None:
        _say(console, f"{by}.")
    else:
        _say(console, f"{by}, input_slope ({before}, {here}).")
        which = f"dC/da_{units.unit_before} of {subject.layers[units.layer - 1]}"
        _say(console, f"The sum over the paths is {which}, by sum_over_paths ({num_images}, {before}).")


def _print_factors(console: Console, explanation: Explanation) -> None:
    """The three factors of the weight, delta between them, and their product."""
    dC_da, da_dz, delta, dz_dw = explanation.factors[-4:]
    table = _table("factor", "value", "difference", "whole array", "computed by", left=("whole array", "computed by"))
    for factor in (dC_da, da_dz, delta, dz_dw):
        difference = f"{factor.difference:.1e}"
        table.add_row(factor.symbol, f"{factor.value:.7g}", difference, str(factor.shape), factor.function)
    table.add_row("product", f"{explanation.product[explanation.detailed] + 0.0:.7g}")
    first = dC_da.symbol
    _headline(console, f"The factors: delta is {first} * {da_dz.symbol}; the product, delta * {dz_dw.symbol}")
    console.print(table)
    _say(console, "Difference: from the slope that a complex step finds, relative to it.")
    if dz_dw.value == 0:
        _say(console, f"{dz_dw.symbol} is 0: nothing comes in for this image, which says nothing about the weight.")


def _print_derivations(console: Console, explanation: Explanation) -> None:
    symbol = _gradient_symbol(explanation)
    table = _table("derivation", symbol, "difference", "", left=("",))
    for one in explanation.derivations:
        difference = "" if one.is_reference else f"{one.difference:.1e}"
        remark = "" if one.agrees is None else "agrees" if one.agrees else "DIFFERS"
        table.add_row(one.name, f"{one.value:.16g}", difference, "reference" if one.is_reference else remark)
    _headline(console, f"{symbol}, found in {len(explanation.derivations)} ways")
    console.print(table)


def _print_verdict(console: Console, subject: Subject, explanation: Explanation) -> None:
    """Whether they agree; where not, which factor is wrong first on the way from the cost."""
    _say(console)
    worst = explanation.largest_difference
    if explanation.agrees and worst <= TOLERANCE:
        _say(console, f"They agree: the largest difference is {worst:.1e}, the tolerance {TOLERANCE:.0e}.", "green")
    elif explanation.agrees:
        _say(console, f"They agree but for rounding, which accounts for {number(explanation.rounding)} here.", "green")
    else:
        _say(console, f"They DISAGREE: the largest difference is {worst:.1e}, the tolerance {TOLERANCE:.0e}.", "red")
        _say(console, _where_it_breaks(subject, explanation), "red")


def _where_it_breaks(subject: Subject, explanation: Explanation) -> str:
    wrong = explanation.first_wrong
    if wrong is not None:
        return (
            f"First wrong on the way from the cost: {wrong.symbol} of {subject.layers[wrong.layer]}, "
            f"by {wrong.function}: {wrong.value:.8g}; a complex step finds {wrong.by_complex_step:.8g}."
        )
    by_factors, backward, *_ = explanation.derivations
    if by_factors.agrees and not backward.agrees:
        rule = "kernel_gradient" if explanation.weight.input is not None else "bias_gradient"
        return f"Each factor of this image is right: they are put together wrongly, in {rule} or average."
    return "Each factor of this image is right, on the path that carries most: look at other paths or images."


def _gradient_symbol(explanation: Explanation) -> str:
    weight = explanation.weight
    return f"dC/db_{weight.unit}" if weight.input is None else f"dC/dw_{weight.unit},{weight.input}"


# --- tables and lines -------------------------------------------------------------------------------------------


def _table(first: str, *others: str, left: Sequence[str] = ()) -> Table:
    """A table without lines; columns of numbers are flush right."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return table


def _cut(by_size: Array, most: int) -> tuple[Array, Array]:
    """The rows to show, and the others, from all rows by size."""
    num_shown = len(by_size) if len(by_size) <= most else most - 1  # one row for the others
    return by_size[:num_shown], by_size[num_shown:]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _headline(console: Console, text: str) -> None:
    _say(console)
    _say(console, text, style="bold")


def _say(console: Console, text: str = "", style: str = "") -> None:
    """A line as it is: brackets taken for brackets."""
    console.print(Text(text, style=style))
