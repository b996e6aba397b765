"""What logging for TensorBoard costs: `python -m benchmarks.tensorboard_log`; about a minute.

The default run with and without its log, turn by turn in one process, each from new weights. What counts of a run is
the time from the second epoch's beginning to the end of the training, pictures and projector included: the first epoch
has the compiling.
"""

import statistics
import tempfile
import time
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

import train
from callbacks.finite_cost import FiniteCost
from callbacks.gradient_check import GradientCheck
from callbacks.in_background import InBackground
from callbacks.tensorboard_log import TensorBoardLog
from config import Config
from datasets import mnist


class Clock(train.keras.callbacks.Callback):
    """Times the training from the second epoch on."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """Start."""
        if epoch == 1:
            self.began = time.perf_counter()

    def on_train_end(self, logs: dict | None = None) -> None:  # noqa: ARG002
        """Stop: the log, which is told before, has written its end."""
        self.seconds = time.perf_counter() - self.began


def epoch_seconds(config: Config, data: train.Dataset, logs: Path | None) -> float:
    """Train once, and tell the mean of the epochs after the first."""
    model = train.build_model(config, num_steps=1)
    check = GradientCheck(train.manual_network(config), data.x_train, data.y_train)
    log = [
        TensorBoardLog(
            logs / "run",
            check,
            validation=(data.x_test, data.y_test),
            image_shape=mnist.IMAGE_SHAPE,
            settings=config.hyperparameters,
            hyperparameters=config.hyperparameters,
        )
    ] if logs else []  # fmt: skip
    clock, checks = Clock(), InBackground([FiniteCost(), check], then=log)
    train.fit(model, data, batch_size=32, epochs=config.epochs, callbacks=[checks, clock])
    checks.wait()
    return clock.seconds / (config.epochs - 1)


def main(repeats: int = 9, epochs: int = 10) -> None:
    """Measure and print.

    Args:
        repeats: runs of each kind; one more warms up.
        epochs: of each run.
    """
    train.leave_one_processor()
    config = Config(epochs=epochs)
    data = train.Dataset.from_mnist(mnist.load(), config.dtype)
    bare, logged, size = [], [], 0
    for _ in range(repeats + 1):
        bare.append(epoch_seconds(config, data, None))
        with tempfile.TemporaryDirectory() as logs:
            logged.append(epoch_seconds(config, data, Path(logs)))
            size = sum(path.stat().st_size for path in Path(logs).rglob("*") if path.is_file())
    table = Table("seconds of an epoch", "median", "least", "most")
    for name, seconds in (("verified", bare[1:]), ("verified and logged", logged[1:])):
        table.add_row(name, *(f"{f(seconds):.3f}" for f in (statistics.median, min, max)))
    shares = [l / b - 1 for b, l in zip(bare[1:], logged[1:], strict=True)]
    table.add_row("logging, share", *(f"{f(shares):.0%}" for f in (statistics.median, min, max)))
    console = Console()
    console.print(table)
    console.print(f"The log of {epochs} epochs takes {size / 1e6:.1f} MB.")


if __name__ == "__main__":
    tyro.cli(main)
