"""The notebook's pictures. Each function draws one, from numbers that the notebook has computed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from backprop.factors import Factors
from backprop.functions import Array
from experiments.curves import Comparison
from experiments.figures import draw_cost_curves, draw_slice
from experiments.slices import Slice
from experiments.wrong_figure import draw_curves
from experiments.wrong_training import Trained

BLUE, RED, GREY = "#0b6bcb", "#c0392b", "#999999"
SIGNED = "RdBu_r"
"""Colours of what has a sign: red above zero, blue below."""

plt.rcParams.update(
    {
        "figure.dpi": 80,
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
    }
)


@contextmanager
def drawing(
    width: float, height: float, columns: int = 1, **more: Any
) -> Iterator[tuple[Figure, Any]]:
    """A figure of so many inches, shown at the end: yields it, and its axes."""
    figure, axes = plt.subplots(
        1, columns, figsize=(width, height), layout="constrained", **more
    )
    yield figure, axes
    plt.show()


# --- images and answers -----------------------------------------------------------------------------------------


def digits(images: Array, labels: Array, per_row: int = 10) -> None:
    """Images, (n, 28, 28), with what they show."""
    rows = -(-len(images) // per_row)
    _, axes = plt.subplots(
        rows, per_row, figsize=(8, 0.98 * rows), layout="constrained"
    )
    for ax, image, label in zip(axes.ravel(), images, labels, strict=False):
        ax.imshow(image, cmap="gray_r")
        ax.set_title(label, fontsize=9, pad=2)
    for ax in axes.ravel():
        ax.axis("off")
    plt.show()


def one_image(x: Array, y: Array) -> None:
    """What the network is given, (1, 784), and what it should answer, (1, 10)."""
    with drawing(8, 3.2, columns=2, width_ratios=(1, 1.3)) as (figure, (left, right)):
        shown = left.imshow(x.reshape(28, 28), cmap="gray_r")
        figure.colorbar(shown, ax=left, shrink=0.8)
        left.set(
            title="x: 784 numbers, here in 28 rows", xticks=[0, 27], yticks=[0, 27]
        )
        right.bar(range(10), y[0], color=BLUE)
        right.set(
            title="y: ten numbers", xticks=range(10), xlabel="digit", yticks=[0, 1]
        )


def outputs(a: Array, digit: int, title: str) -> None:
    """The ten outputs, (10,), that of the true digit in blue."""
    with drawing(6, 2.4) as (_, ax):
        ax.bar(range(10), a, color=[BLUE if j == digit else GREY for j in range(10)])
        ax.set(
            title=f"{title} (the true digit in blue)",
            xticks=range(10),
            xlabel="digit",
            ylim=(0, 1),
        )


def calibration(claimed: Array, true_share: Array) -> None:
    """What outputs say against how often it is so, (n,) each."""
    with drawing(4.4, 3.6) as (_, ax):
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=1)
        ax.bar(claimed, true_share, width=0.07, color=BLUE, alpha=0.8)
        ax.set(
            xlabel="mean output",
            ylabel="share that are the true digit",
            xlim=(0, 1),
            ylim=(0, 1),
        )
        ax.text(
            0.05,
            0.9,
            "the line: what probabilities would do",
            color="#555555",
            fontsize=9,
        )


# --- weights and costs ------------------------------------------------------------------------------------------


def weights(kernels: Sequence[Array], names: Sequence[str]) -> None:
    """How the weights of each kernel are spread."""
    with drawing(8, 2.2, columns=len(kernels)) as (_, axes):
        for ax, kernel, name in zip(axes, kernels, names, strict=True):
            ax.hist(kernel.ravel(), 40, color=BLUE)
            ax.set(title=name, xlabel="weight", yticks=[])


def pulls(z: Array, squared_error: Array, cross_entropy: Array) -> None:
    """How strongly each cost pulls at the z of an output that should be 1, (n,) each."""
    with drawing(6, 2.8) as (_, ax):
        ax.plot(z, squared_error, color=BLUE, label="squared error")
        ax.plot(z, cross_entropy, color=RED, label="cross-entropy")
        ax.set(xlabel="z of an output that should be 1", ylabel="pull upward, -dC/dz")
        ax.legend(frameon=False)


def nudges(rates: Array, costs: Sequence[float], before: float) -> None:
    """The cost after one nudge of each length, and before it."""
    with drawing(6, 2.8) as (_, ax):
        ax.axhline(before, color=GREY, linewidth=1)
        ax.text(rates[0], before, "before", va="bottom", color="#555555")
        ax.plot(rates, costs, ".-", color=BLUE)
        ax.set(
            xscale="log",
            xlabel="learning rate of the nudge",
            ylabel="cost after the nudge",
        )


# --- gradients --------------------------------------------------------------------------------------------------


def pushes(push: Array) -> None:
    """What more of each activation takes off the cost, (16,)."""
    with drawing(6.5, 2.4) as (_, ax):
        ax.bar(range(len(push)), push, color=[BLUE if p > 0 else RED for p in push])
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(
            xlabel="unit of hidden_2",
            ylabel="-dC/da",
            xticks=range(len(push)),
            title="which units push the answer the right way (blue), and which the wrong way (red)",
        )


def strengthen(change: Array, digit: int) -> None:
    """Where each weight should go, (16, 10): blue up, red down."""
    with drawing(6, 3.8) as (figure, ax):
        ax.spines[:].set_visible(False)
        most = np.abs(change).max()
        shown = ax.imshow(-change, cmap=SIGNED, vmin=-most, vmax=most, aspect="auto")
        bar = figure.colorbar(shown, ax=ax, ticks=[-most, 0, most])
        bar.ax.set_yticklabels(["strengthen", "leave", "weaken"])
        ax.set(
            xlabel=f"to the output of digit (the image shows a {digit})",
            ylabel="from unit of hidden_2",
        )
        ax.set(xticks=range(change.shape[1]), yticks=range(0, len(change), 5))


def agreement(cosines: Array, labels: Array) -> None:
    """How far each image's gradient agrees with the average, in columns by digit."""
    with drawing(6.5, 2.8) as (_, ax):
        ax.axhline(0, color=GREY, linewidth=1)
        aside = np.random.default_rng(0).uniform(
            -0.3, 0.3, len(labels)
        )  # so that no dot hides another
        ax.plot(labels + aside, cosines, ".", color=BLUE)
        ax.set(
            xlabel="digit that the image shows",
            ylabel="cosine with the average",
            xticks=range(10),
            ylim=(min(0, cosines.min()) - 0.05, 1),
        )


def paths(terms: Array) -> None:
    """The terms of each unit's sum over paths, (16, 10), and the sums beside them."""
    with drawing(7, 3.9, columns=2, width_ratios=(3, 1), sharey=True) as (
        figure,
        (left, right),
    ):
        most = np.abs(terms).max()
        shown = left.imshow(terms, cmap=SIGNED, vmin=-most, vmax=most, aspect="auto")
        figure.colorbar(shown, ax=left, location="left", shrink=0.8)
        left.set(
            xlabel="through output unit j",
            ylabel="from unit k",
            xticks=range(terms.shape[1]),
        )
        left.set(title=r"$\delta_j \, w_{jk}$", yticks=range(len(terms)))
        sums = terms.sum(axis=1)
        right.barh(
            range(len(terms)), sums, color=[RED if s > 0 else BLUE for s in sums]
        )
        right.axvline(0, color="black", linewidth=0.8)
        right.set(title=r"sum over $j$: $\partial C/\partial a_k$")


def steepness(angles: Array, slopes: Sequence[float], length: float) -> None:
    """Slopes of the cost in directions at these angles, in degrees, to the gradient; and length times cosine."""
    with drawing(6.5, 2.6) as (_, ax):
        around = np.linspace(0, 180, 181)
        ax.plot(around, length * np.cos(np.radians(around)), color=GREY, linewidth=1)
        ax.plot(angles, slopes, "o", color=BLUE, alpha=0.5, markersize=4)
        ax.axhline(0, color="black", linewidth=0.6)
        ax.set(
            xlabel="angle to the gradient, degrees",
            ylabel="growth of the cost",
            xticks=range(0, 181, 30),
        )


# --- training ---------------------------------------------------------------------------------------------------


def learning(history: dict[str, list[float]]) -> None:
    """Cost and accuracy by epoch, training and test."""
    epochs = np.arange(1, len(history["loss"]) + 1)
    with drawing(8, 2.8, columns=2) as (_, axes):
        for ax, name, title in zip(
            axes, ("loss", "accuracy"), ("cost", "accuracy"), strict=True
        ):
            ax.plot(epochs, history[name], ".-", color=GREY, label="training")
            ax.plot(epochs, history[f"val_{name}"], ".-", color=BLUE, label="test")
            ax.set(title=title, xlabel="epoch", xticks=epochs)
            ax.legend(frameon=False)


def update_sizes(updates: Array, names: Sequence[str], steps_per_epoch: int) -> None:
    """The length of each update of each kernel, (steps, layers), and the median of each epoch."""
    epochs = np.arange(len(updates)) / steps_per_epoch
    medians = np.median(
        updates.reshape(-1, steps_per_epoch, len(names)), axis=1
    )  # (epochs, layers)
    with drawing(8, 2.6, columns=len(names), sharey=True) as (_, axes):
        for ax, name, lengths, median in zip(
            axes, names, updates.T, medians.T, strict=True
        ):
            ax.plot(epochs[::5], lengths[::5], ",", color=GREY, alpha=0.5)
            ax.stairs(
                median, range(len(median) + 1), color=BLUE, linewidth=2, baseline=None
            )
            ax.set(yscale="log", title=name, xlabel="epoch")
        axes[0].set(
            ylabel="length of the update",
            ylim=(updates[::5].min() / 1.5, updates.max() * 1.5),
        )


def length_of_steps(lengths: Array) -> None:
    """The length of each step of a training, (steps,)."""
    with drawing(6.5, 2.6) as (_, ax):
        ax.plot(np.arange(1, len(lengths) + 1), lengths, color=BLUE)
        ax.set(
            xscale="log",
            yscale="log",
            xlabel="step",
            ylabel="length of the step, all kernels",
        )


def cost_by_batch_size(comparison: Comparison) -> None:
    """Cost against images seen, and against seconds of training."""
    with drawing(11.5, 3.6, columns=2) as (_, (left, right)):
        draw_cost_curves(left, comparison, "examples")
        draw_cost_curves(right, comparison, "seconds")


def cost_slice(a_slice: Slice) -> None:
    """Both paths over a slice of the cost surface."""
    with drawing(7.5, 5.2) as (_, ax):
        draw_slice(ax, a_slice, num_examples=60_000)


def accuracy_with_mistakes(trainings: Sequence[Trained]) -> None:
    """Accuracy by step, the right training bold."""
    with drawing(8, 3.8) as (_, ax):
        draw_curves(ax, trainings)


# --- formulas ---------------------------------------------------------------------------------------------------


def chain(
    w: Sequence[Array],
    b: Sequence[Array],
    a: Sequence[Array],
    links: Sequence[Factors],
    y: Array,
) -> None:
    """Four units in a row: what goes forward above, what comes back below."""
    with drawing(9.5, 3.0) as (_, ax):
        places = np.arange(len(a)) * 2.6
        for l, (x, activation) in enumerate(zip(places, a, strict=True)):
            ax.add_patch(plt.Circle((x, 0), 0.42, fill=False, linewidth=1.5))
            ax.text(
                x, 0, f"{activation.item():.4f}", ha="center", va="center", fontsize=9
            )
            ax.text(x, 0.62, "x" if l == 0 else f"$a^{{({l})}}$", ha="center")
        for l, link in enumerate(links):
            middle = places[l] + 1.3
            ax.annotate(
                "",
                (places[l + 1] - 0.45, 0),
                (places[l] + 0.45, 0),
                arrowprops={"arrowstyle": "->"},
            )
            ax.text(
                middle,
                0.18,
                f"w = {w[l].item():g}",
                ha="center",
                color=BLUE,
                fontsize=9,
            )
            ax.text(
                middle,
                0.48,
                f"b = {b[l].item():g}",
                ha="center",
                color=BLUE,
                fontsize=9,
            )
            ax.text(
                middle,
                -0.3,
                f"dC/dw = {link.dW.item():.5f}",
                ha="center",
                color=RED,
                fontsize=9,
            )
            ax.text(
                middle,
                -0.56,
                f"dC/db = {link.db.item():.5f}",
                ha="center",
                color=RED,
                fontsize=9,
            )
            ax.text(
                places[l + 1],
                -0.88,
                f"dC/da = {link.dC_da.item():.5f}",
                ha="center",
                color=RED,
                fontsize=9,
            )
        ax.text(places[-1] + 0.6, 0, f"y = {y.item():g}", va="center")
        ax.set(xlim=(-0.6, places[-1] + 1.6), ylim=(-1.1, 0.95), aspect="equal")
        ax.axis("off")


def printed_and_corrected(as_printed: Array, corrected: Array, truth: Array) -> None:
    """What two formulas give for many chains, against the truth, (n,) each."""
    most = np.abs(np.concatenate([as_printed, truth])).max() * 1.05
    with drawing(8, 3.6, columns=2, sharey=True) as (_, axes):
        for ax, values, title, color in (
            (axes[0], as_printed, "as printed, with $a^{(L)}$", RED),
            (axes[1], corrected, "corrected, with $a^{(L-1)}$", BLUE),
        ):
            ax.plot([-most, most], [-most, most], color=GREY, linewidth=1)
            ax.plot(truth, values, ".", color=color, alpha=0.5, markersize=4)
            ax.set(
                title=title,
                xlabel=r"complex step",
                xlim=(-most, most),
                ylim=(-most, most),
            )
        axes[0].set_ylabel(r"formula for $\partial C / \partial w^{(L)}$")
