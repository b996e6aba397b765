"""The picture of the experiment: accuracy tells little of a gradient, its error everything."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from PIL import Image

from experiments.figures import spread_out
from experiments.wrong_outcomes import Outcome
from experiments.wrong_training import CORRECT, Trained

LABELS = {
    CORRECT: "correct",
    "cross-entropy-delta": "cross-entropy's delta",
    "bias-gradients-zero": "biases never learn",
    "transpose-missing-on-square-layers": "transpose missing",
    "factor-2-missing": "factor 2 missing",
    "slope-of-the-activation": "s'(a) for s'(z)",
    "first-layer-never-computed": "first layer left out",
    "momentum": "momentum 0.9",
    "sign": "sign",
}
"""What is labelled, and how."""

LONELY = ("factor-2-missing", "slope-of-the-activation", "first-layer-never-computed", "momentum", "sign")
"""Those of them whose points do not lie in a crowd."""

COLORS = LinearSegmentedColormap.from_list("cosine", ["#c0392b", "#e8a33d", "#c9c9c9", "#7fb2e5", "#0b6bcb"])
NORMALIZE = Normalize(-1, 1)
"""Blue goes down the true gradient, grey across, red up."""

LEAST_ERROR, LARGEST_ERROR = 1e-9, 1e4
LINE_HEIGHT = 5.5
"""Percentage points from one label to the next."""
LOWEST_LABEL = 3.0
"""The height of the lowest, in per cent."""


def save(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw both panels, and write them as PNG: whole, or not at all."""
    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 4.6), dpi=110, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.1), gridspec_kw={"wspace": 0.03})
        draw_curves(left, [outcome.trained for outcome in outcomes])
        draw_errors(right, outcomes)
        bar = figure.colorbar(ScalarMappable(NORMALIZE, COLORS), ax=right, pad=0.02, aspect=35, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels(["up", "across", "down"])
        bar.set_label("the steps go ... the true gradient (cosine)", fontsize=9)
        bar.outline.set_visible(False)
        canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    partial = path.with_name(f".{path.name}.part")
    try:
        pixels.quantize(224).save(partial, "PNG", optimize=True)  # a third of the room, and the same to the eye
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def draw_curves(axes: Axes, trainings: Sequence[Trained]) -> None:
    """Accuracy by step: the correct training bold, each mistake a thin line coloured by its cosine.

    Args:
        axes: to draw into; labels stand to the right of it, for which `layout="constrained"` makes room.
        trainings: with the correct one among them, or without.
    """
    shown = [trained for trained in trainings if trained.looks]
    for trained in shown:
        is_correct = trained.name == CORRECT
        axes.plot(
            [look.step for look in trained.looks],
            [100 * look.accuracy for look in trained.looks],
            color="black" if is_correct else color_of(trained),
            linewidth=3 if is_correct else (1.6 if trained.name in LABELS else 0.7),
            zorder=4 if is_correct else (3 if trained.name in LABELS else 2),
        )
    steps = {trained.name: trained.looks[-1].step for trained in shown}
    last = max(2, steps.get(CORRECT, max(steps.values(), default=2)))
    axes.set(
        xscale="log",
        xlim=(1, last),
        ylim=(0, 100),
        xlabel="step",
        ylabel="test accuracy, %",
        title=f"{len(shown) - (CORRECT in steps)} mistakes and the correct training",
    )
    ends = {t.name: (last, 100 * t.accuracy) for t in shown if not math.isnan(t.accuracy)}
    _label(axes, ends, last * 1.5, top=97)


def draw_errors(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    """The last accuracy against the error that the gradient check reports: each mistake a point.

    Args:
        axes: to draw into.
        outcomes: those without an accuracy or a verdict are left out.
    """
    points = [o for o in outcomes if o.verdict and not math.isnan(o.trained.accuracy)]
    for outcome in points:
        error, is_correct = error_of(outcome), outcome.trained.name == CORRECT
        axes.plot(
            error,
            100 * outcome.trained.accuracy,
            marker="*" if is_correct else ("o" if error < LARGEST_ERROR else ">"),
            markersize=15 if is_correct else 6,
            color="black" if is_correct else color_of(outcome.trained),
            markeredgecolor="white",
            markeredgewidth=0.6,
            zorder=4 if is_correct else 3,
        )
    tolerance = max((o.verdict.tolerance for o in points if o.verdict), default=1e-5)
    axes.axvline(tolerance, color="#c0392b", linewidth=1.2, linestyle="--")
    axes.text(tolerance * 0.7, 2, "tolerance", color="#c0392b", ha="right", va="bottom")
    if any(error_of(outcome) == LARGEST_ERROR for outcome in points):
        axes.text(LARGEST_ERROR * 1.8, 94, "another shape", ha="right", va="bottom", fontsize=9)
    axes.set(
        xscale="log",
        xlim=(LEAST_ERROR, LARGEST_ERROR * 2),
        ylim=(0, 100),
        xlabel="error that the gradient check finds in the first wrong step",
        title="What the gradient check says of them",
    )
    wrong = {
        outcome.trained.name: (error_of(outcome), 100 * outcome.trained.accuracy)
        for outcome in points
        if outcome.trained.name in LONELY
    }
    _label(axes, wrong, tolerance * 1.5, top=82)
    for outcome in points:
        where = error_of(outcome), 100 * outcome.trained.accuracy
        if outcome.trained.name == CORRECT:
            axes.text(where[0] / 2.5, where[1], "correct", ha="right", va="center")
        if outcome.trained.name == "only-the-first-batch":
            axes.text(where[0], where[1] + 3, "only the\nfirst batch", ha="center", va="bottom", fontsize=9)


def _label(axes: Axes, ends: Mapping[str, tuple[float, float]], x: float, top: float) -> None:
    """Labels one under the other at x, each with a thin line to its end."""
    names = sorted((name for name in ends if name in LABELS), key=lambda name: -ends[name][1])
    heights = spread_out([ends[name][1] for name in names], LINE_HEIGHT, LOWEST_LABEL, top)
    for name, height in zip(names, heights, strict=True):
        axes.annotate(
            LABELS[name],
            ends[name],
            xytext=(x, height),
            fontsize=9,
            fontweight="bold" if name == CORRECT else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#888888", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 2},
        )


def color_of(trained: Trained) -> tuple[float, float, float, float]:
    """By the cosine of its steps, the median of all that were looked at."""
    cosines = [look.step_cosine for look in trained.looks if not math.isnan(look.step_cosine)]
    return COLORS(NORMALIZE(statistics.median(cosines) if cosines else 0.0))


def error_of(outcome: Outcome) -> float:
    """Where it lies on the axis: what the check reports; where all agree, the largest error to double precision."""
    if outcome.verdict is None:
        return LARGEST_ERROR
    error = outcome.verdict.error
    if outcome.verdict.agrees:
        error = max((e for look in outcome.trained.looks for e in look.errors if not math.isnan(e)), default=0.0)
    return LARGEST_ERROR if math.isnan(error) else min(max(error, LEAST_ERROR), LARGEST_ERROR)
