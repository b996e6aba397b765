"""Make the README's picture again, from a real run with the default options: `python docs/make_pictures.py`."""

import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import models.tensorflow_backend  # noqa: E402, F401

import keras  # noqa: E402
import matplotlib  # noqa: E402
import numpy as np  # noqa: E402

import train  # noqa: E402
from callbacks.gradient_check import CheckedSteps  # noqa: E402
from callbacks.record import GradientRecord  # noqa: E402
from config import Config  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

MILDEST_MISTAKE = 2e-3
"""The smallest error that any mistake people really make was seen to cause."""


class KeepErrors(keras.callbacks.Callback):
    """Checks every step, and keeps the error of every gradient."""

    def __init__(self, config: Config, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.check = train.GradientCheck(train.manual_network(config), x, y)
        self.errors: dict[str, list[np.ndarray]] = {}

    def on_gradients(self, record: GradientRecord) -> None:
        """Check the record, and keep its errors."""
        self.check.on_gradients(record)
        for name, errors in zip(record.names, CheckedSteps.of(record).errors, strict=True):
            self.errors.setdefault(name, []).append(errors)


def main() -> None:
    """Train, draw, write `result.png` beside this file."""
    config = Config()
    stored = train.mnist.load()
    data = train.Dataset.from_mnist(stored, config.dtype)
    keep = KeepErrors(config, data.x_train, data.y_train)
    with tempfile.TemporaryDirectory() as logs:
        result = train.train(Config(logs=Path(logs), check_every=0), callbacks=[keep])
    draw(result.history, {name: np.concatenate(errors) for name, errors in keep.errors.items()}, keep.check.tolerance)


def draw(history: dict[str, list[float]], errors: dict[str, np.ndarray], tolerance: float) -> None:
    """Accuracy by epoch on the left, the errors of all gradients on the right."""
    plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.9), width_ratios=(1, 1.35), layout="constrained")

    epochs = np.arange(1, len(history["accuracy"]) + 1)
    left.plot(epochs, [100 * value for value in history["accuracy"]], "o-", color="#999999", label="training")
    left.plot(epochs, [100 * value for value in history["val_accuracy"]], "o-", color="#0b6bcb", label="test")
    left.set(xlabel="epoch", ylabel="accuracy, %", title="784-16-16-10 on MNIST, plain SGD", xticks=epochs)
    left.legend(frameon=False, loc="lower right")

    num_gradients = sum(map(len, errors.values()))
    bins = np.logspace(-8, -1.5, 131)
    for color, (name, values) in zip(plt.colormaps["viridis"](np.linspace(0, 0.9, 6)), errors.items(), strict=True):
        right.hist(values, bins, histtype="step", color=color, label=name, linewidth=1.4)
    top = right.get_ylim()[1]
    for x, text in ((tolerance, "tolerance"), (MILDEST_MISTAKE, "mildest real\nmistake")):
        right.axvline(x, color="#c0392b", linewidth=1.2, linestyle="--")
        right.text(x * 1.15, top * 0.97, text, color="#c0392b", va="top")
    right.set(
        xscale="log",
        xlim=(bins[0], bins[-1]),
        xlabel="|| tape - manual || / || manual ||",
        ylabel="steps",
        title=f"All {num_gradients:,} gradients of the run",
    )
    right.legend(frameon=False, fontsize=9, loc=(0.49, 0.3))
    figure.savefig(FOLDER / "result.png", dpi=110)


if __name__ == "__main__":
    main()
