"""What a training run can be told: the fields of `Config` are the options of `train.py`."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

from backprop.functions import ACTIVATIONS, COSTS, unknown_name
from datasets import mnist

LARGEST_NETWORK = 50_000_000  # parameters
LARGEST_RECORD = 256 * 2**20  # bytes of parameters, and as many of gradients, that one call may return


class ConfigError(Exception):
    """The configuration cannot be used. One line for each thing that is wrong."""


def _batch_size_from_text(words: list[str]) -> int | Literal["full"]:
    if words[0] == "full":
        return "full"
    try:
        return int(words[0])
    except ValueError:
        raise ValueError(f"{words[0]!r} is neither a whole number nor full.") from None


BATCH_SIZE_OPTION: PrimitiveConstructorSpec[int | Literal["full"]] = PrimitiveConstructorSpec(
    nargs=1,
    metavar="INT|full",
    instance_from_str=_batch_size_from_text,
    is_instance=lambda value: value == "full" or isinstance(value, int),
    str_from_instance=lambda value: [str(value)],
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a network on MNIST by stochastic gradient descent, and verify every gradient on the way.

    Without options: the network of the lecture, to about 94.6 % test accuracy. A second recipe reaches about 96 %:

    train.py --activation relu --cost cross-entropy --learning-rate 0.1 --schedule cosine --epochs 30
    """

    hidden: tuple[int, ...] = (16, 16)
    """Units in each hidden layer, from the input's side; none for a network without hidden layers."""
    activation: Annotated[str, arg(metavar="sigmoid|tanh|relu")] = "sigmoid"
    """Of the hidden layers. The output layer has sigmoid with squared-error, and none (logits) with cross-entropy."""
    cost: Annotated[str, arg(metavar="squared-error|cross-entropy")] = "squared-error"
    """squared-error: summed over the ten outputs, averaged over the batch, as in the lecture. cross-entropy: of the
    softmax of the outputs."""
    learning_rate: float = 1.0
    """Length of a step, as a factor of the gradient. With relu or cross-entropy, 0.1 is a good beginning."""
    schedule: Annotated[str, arg(metavar="constant|cosine")] = "constant"
    """How the learning rate goes on; cosine lowers it to 0 over the whole training."""
    batch_size: Annotated[int | Literal["full"], BATCH_SIZE_OPTION] = 32
    """Images for each step, or full: gradient descent on the whole training set."""
    epochs: int = 10
    """Number of passes over the training set."""
    seed: int = 0
    """Seed of the first weights and of the order of the images. The same seed on the same machine gives the same
    weights, bit for bit."""
    dtype: Annotated[str, arg(metavar="float32|float64")] = "float32"
    """Number format of the whole computation."""
    check_every: int = 1
    """Verify the gradients of every n-th step; 0 turns the check off."""
    on_mismatch: Annotated[str, arg(metavar="stop|warn")] = "stop"
    """What a wrong gradient does to the run: end it, or be reported. Either way the exit status is 1."""
    steps_per_execution: int = 125
    """Steps in one call of the compiled function; fewer where a wide network's gradients would fill the memory."""
    jit_compile: bool = True
    """Compile the steps with XLA."""
    logs: Path = Path("logs")
    """Folder that gets a new folder for each run; below the working directory unless the path is absolute."""
    data: Annotated[Path | None, arg(metavar="PATH")] = None
    """An .npz file in Keras's layout, or a folder of the four idx files. Without it: cache, Keras, package index."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of all layers, from the input to the output."""
        return (mnist.IMAGE_SIZE, *self.hidden, mnist.NUM_CLASSES)

    @property
    def num_parameters(self) -> int:
        """Entries of all kernels and biases."""
        return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(self.sizes))

    @property
    def steps_in_one_call(self) -> int:
        """`steps_per_execution`, or fewer where their record would take more than `LARGEST_RECORD`."""
        bytes_for_each_step = self.num_parameters * (8 if self.dtype == "float64" else 4)
        return max(1, min(self.steps_per_execution, LARGEST_RECORD // bytes_for_each_step))

    @property
    def output_activation(self) -> str:
        """Squared error wants activations between 0 and 1, cross-entropy logits."""
        return "linear" if self.cost == "cross-entropy" else "sigmoid"

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What the training depends on: the options but for those that say how it is checked, carried out and kept."""
        names = ["hidden", "activation", "cost", "learning_rate", "schedule", "batch_size", "epochs", "seed", "dtype"]
        return {name: getattr(self, name) for name in names}

    def validate(self) -> None:
        """Raise a ConfigError that names everything that is wrong."""
        problems = [
            unknown_name(f"--{option.replace('_', '-')}", getattr(self, option), allowed)
            for option, allowed in (
                ("activation", [name for name in ACTIVATIONS if name != "linear"]),
                ("cost", list(COSTS)),
                ("schedule", ["constant", "cosine"]),
                ("dtype", ["float32", "float64"]),
                ("on_mismatch", ["stop", "warn"]),
            )
            if getattr(self, option) not in allowed
        ]
        for option, least in (("epochs", 1), ("seed", 0), ("check_every", 0), ("steps_per_execution", 1)):
            if getattr(self, option) < least:
                problems.append(f"--{option.replace('_', '-')} is {getattr(self, option)}; expected {least} or more.")
        if self.batch_size != "full" and self.batch_size < 1:
            problems.append(f"--batch-size is {self.batch_size}; expected 1 or more, or full.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            problems.append(f"--learning-rate is {self.learning_rate}; expected a number above 0.")
        if any(units < 1 for units in self.hidden):
            problems.append(f"--hidden is {' '.join(map(str, self.hidden))}; expected at least 1 unit in each layer.")
        elif self.num_parameters > LARGEST_NETWORK:
            problems.append(
                f"--hidden is {' '.join(map(str, self.hidden))}: {self.num_parameters:,} parameters; expected at most "
                f"{LARGEST_NETWORK:,}, since each step's are kept to be checked."
            )
        if problems:
            raise ConfigError("\n".join(problems))
