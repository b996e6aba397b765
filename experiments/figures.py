"""The pictures of batch_sizes and cost_surface. Needs matplotlib."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from backprop.functions import Array
from experiments.curves import Comparison, Descent, batch_name
from experiments.slices import Slice

DPI = 110
COLOURS = ("#0b6bcb", "#c0392b")
"""Of gradient descent, and of stochastic gradient descent."""


def save(figure: Figure, path: Path) -> None:
    """As PNG of 128 colours, which takes half as much room; a whole file or none."""
    drawn, partial = io.BytesIO(), path.with_suffix(".part")
    figure.savefig(drawn, dpi=DPI, format="png")
    try:
        Image.open(drawn).convert("RGB").quantize(128).save(partial, format="png", optimize=True)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def cost_curves(comparison: Comparison) -> Figure:
    """The cost against images seen on the left, against seconds on the right."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    draw_cost_curves(left, comparison, "examples")
    draw_cost_curves(right, comparison, "seconds")
    left.set_title("equal work", loc="left")
    right.set_title("equal time", loc="left")
    right.set_ylabel("")
    figure.suptitle(f"Cost by batch size. {comparison.title}", fontsize=12)
    return figure


def draw_cost_curves(axes: Axes, comparison: Comparison, against: str) -> None:
    """One line for each batch size, from light to dark, with its name at its end.

    Args:
        axes: to draw into.
        comparison: whose descents; of several with one batch size the first.
        against: "examples" or "seconds".
    """
    end = comparison.examples if against == "examples" else comparison.seconds
    groups = comparison.by_batch_size()
    colours = colormaps["viridis"](np.linspace(0.86, 0.0, len(groups)))
    ends = []
    for colour, (descent, *_) in zip(colours, groups, strict=True):
        x, y = curve(descent, against, end)
        axes.plot(x, y, color=colour, linewidth=1.8)
        ends.append((float(x[-1]), float(y[-1])))
    axes.set(xscale="log", yscale="log", ylabel="cost, whole training set")
    axes.set_xlabel("images seen" if against == "examples" else "seconds of training")
    axes.axvline(end, color="#999999", linewidth=0.8, linestyle=":")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(right=end * (4 if against == "seconds" else 6))
    label_ends(axes, [f"{d.name}, rate {d.learning_rate:g}" for d, *_ in groups], ends, list(colours))


def curve(descent: Descent, against: str, end: float) -> tuple[Array, Array]:
    """The points after the first, up to the end of the comparison."""
    last = descent.after_examples(int(end)) if against == "examples" else descent.after_seconds(end)
    last = last or descent.points[-1]
    points = [p for p in descent.points[1:] if p.steps <= last.steps]
    return np.array([getattr(p, against) for p in points]), np.array([p.cost for p in points])


def label_ends(axes: Axes, names: Sequence[str], ends: Sequence[tuple[float, float]], colours: Sequence[Any]) -> None:
    """Names to the right of the lines' ends, moved apart where they would overlap."""
    axes.figure.canvas.draw()
    gap = 0.055
    to_axes = axes.transAxes.inverted()
    heights = [to_axes.transform(axes.transData.transform(end))[1] for end in ends]
    places = spread_out(heights, gap, lowest=gap / 2)
    edge = max(end[0] for end in ends)
    x = to_axes.transform(axes.transData.transform((edge, 1)))[0] + 0.02
    for name, place, colour in zip(names, places, colours, strict=True):
        axes.text(x, place, name, transform=axes.transAxes, va="center", fontsize=9, color=colour)


def spread_out(heights: Sequence[float], gap: float, lowest: float = 0.0, highest: float = math.inf) -> list[float]:
    """The same heights, moved as little as is simple, so that any two are at least `gap` apart, none too low or high.

    Where there is no room for all, none is too low.

    Example:
        >>> spread_out([0.5, 0.5, 0.9], 0.25)
        [0.375, 0.625, 0.9]
        >>> spread_out([12.0, 11.0, 10.0], 5.0, lowest=10.0)
        [20.0, 15.0, 10.0]
    """
    order = np.argsort(heights, kind="stable")
    blocks: list[list[float]] = []  # sum of wished lower ends, and how many labels
    for rank, i in enumerate(order):
        blocks.append([heights[i] - rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, number = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += number
    places = [total / number for total, number in blocks for _ in range(int(number))]
    result = [0.0] * len(heights)
    for rank, i in enumerate(order):
        result[i] = max(min(float(places[rank]), highest - gap * (len(heights) - 1)), lowest) + rank * gap
    return result


# --- the bouncing ball ------------------------------------------------------------------------------------------


def bouncing_ball(made: Sequence[Slice], num_examples: int) -> Figure:
    """One panel for each slice.

    Args:
        made: the slices.
        num_examples: images in the training set.
    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, a_slice in zip(figure.subplots(1, len(made), squeeze=False)[0], made, strict=True):
        draw_slice(axes, a_slice, num_examples)
    return figure


def draw_slice(axes: Axes, a_slice: Slice, num_examples: int) -> None:
    """The cost as contours, dark where it is high, and the paths over it.

    Args:
        axes: to draw into.
        a_slice: the cost on a plane, and the paths: gradient descent first.
        num_examples: images in the training set.
    """
    surface, plane = a_slice.surface, a_slice.surface.plane
    levels = np.geomspace(surface.costs.min(), surface.costs.max(), 22)
    greys = colormaps["Greys"](np.linspace(0, 0.65, len(levels) - 1))
    axes.contourf(surface.u, surface.v, surface.costs, levels, colors=greys)
    lines = axes.contour(surface.u, surface.v, surface.costs, levels, colors="#777777", linewidths=0.5)
    axes.clabel(lines, levels[1:14:3], fontsize=7, fmt="%.2f", colors="#333333")
    for i, (path, cost) in enumerate(zip(a_slice.paths, a_slice.costs, strict=True)):
        x, y = plane.coordinates(path.points).T
        colour, name = COLOURS[i], batch_name(path.batch_size, num_examples)
        label = "whole training set" if name == "full" else f"batches of {name}"
        label = f"{label}, {path.steps:,} steps: cost {cost:.3f}"
        axes.plot(x, y, ".-", color=colour, linewidth=1.1, markersize=3.5, label=label, zorder=4 - i)
        axes.plot(x[-1], y[-1], "o", color=colour, markersize=8, markeredgecolor="white", zorder=6 - i)
    axes.plot(*plane.coordinates(a_slice.paths[0].points[:1]).T, "o", color="black", markersize=4, zorder=7)
    axes.annotate(
        "start", plane.coordinates(a_slice.paths[0].points[:1])[0], (-4, 8), textcoords="offset points", ha="right"
    )
    way = " and ".join(f"{plane.share_of_way(path):.0%}" for path in a_slice.paths)
    steps = " and ".join(f"{plane.share_of_steps(path):.0%}" for path in a_slice.paths)
    axes.set_title(a_slice.title, loc="left", fontsize=11)
    axes.set_xlabel(f"Of the ways from the start {way} lie in this plane, of the single steps {steps}", fontsize=9)
    axes.set(aspect="equal", xlim=surface.u[[0, -1]], ylim=surface.v[[0, -1]], xticks=[], yticks=[])
    axes.legend(fontsize=8, loc="upper right", framealpha=0.9)
