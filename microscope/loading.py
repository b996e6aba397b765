"""A finished run, as its folder keeps it: configuration, network and data, ready to be looked into."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pydantic

import train
from backprop.functions import Array
from backprop.network import Network
from config import Config, ConfigError
from datasets import mnist
from microscope.weight import mean_over_pieces
from models.losses import build_loss
from models.mlp import build_mlp
from models.tape import tape_gradients


class RunError(Exception):
    """The run cannot be looked into. One line: what was found, what was expected, how to go on."""


@dataclass(frozen=True)
class FinishedRun:
    """A run's network and data.

    Attributes:
        folder: of the run.
        config: as it was used.
        network: for the manual module.
        W: float64 (n_l, n_l+1), kernels.
        b: float64 (n_l+1,), biases.
        data: images and labels as they are stored.
    """

    folder: Path
    config: Config
    network: Network
    W: list[Array]
    b: list[Array]
    data: mnist.Mnist

    @property
    def layer_names(self) -> list[str]:
        """From the input's side: hidden_1, hidden_2, ..., output."""
        return [*(f"hidden_{i}" for i in range(1, len(self.config.hidden) + 1)), "output"]

    def images_of(self, which: str) -> tuple[mnist.Images, mnist.Labels]:
        """Images and labels of the set "train" or "test"."""
        return (self.data.x_train, self.data.y_train) if which == "train" else (self.data.x_test, self.data.y_test)

    def batch(self, which: str, rows: Array) -> tuple[Array, Array]:
        """Images of a set as the network takes them, in the run's own number format: x (B, 784), y (B, 10)."""
        images, labels = self.images_of(which)
        return mnist.inputs(images[rows], self.config.dtype), mnist.targets(labels[rows], self.config.dtype)

    def first_batch(self, which: str) -> Array:
        """int (B,): rows of the batch with which the run began; of the test set, which has no order, the first rows."""
        if which == "test":
            batch_size = self.config.batch_size
            return np.arange(len(self.data.x_test))[: None if batch_size == "full" else batch_size]
        num_images = len(self.data.x_train)
        order = train.epoch_order(self.config.seed, epoch=0, num_samples=num_images)
        [batch] = next(train.cut_into_batches(order, train.batch_size_for(self.config, num_images), 1))
        return batch

    def tape(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """Gradients `(dW, db)` of the batch by the tape, in float64: by the same model in that format."""
        model = build_mlp(
            hidden=self.config.hidden,
            activation=self.config.activation,
            output_activation=self.config.output_activation,
            dtype="float64",
        )
        model.compile(loss=build_loss(self.config.cost, "float64"))
        model.set_weights([array for pair in zip(self.W, self.b, strict=True) for array in pair])

        def gradients(x: Array, y: Array) -> list[Array]:
            dW, db = tape_gradients(model, x, y)
            return [*dW, *db]

        both = mean_over_pieces(gradients, self.W, x, y)
        return both[: len(self.W)], both[len(self.W) :]


def load_run(folder: Path, weights: str = "trained", data: Path | None = None) -> FinishedRun:
    """Read a finished run.

    Args:
        folder: of the run.
        weights: "trained", or "first": those with which the run began.
        data: where the run's own data are now; where left out, as its configuration says.

    Raises:
        RunError: where the folder does not hold what `train.py` leaves there.
        mnist.DataError: where there is no MNIST.
    """
    config = read_config(folder / "config.json")
    trained = read_weights(folder / "model.keras", config)
    stored = read_data(config, folder) if data is None else mnist.load(data, say=lambda _: None)
    arrays = trained if weights == "trained" else train.build_model(config, num_steps=1).get_weights()
    arrays = [array.astype(np.float64) for array in arrays]
    return FinishedRun(folder, config, train.manual_network(config), arrays[0::2], arrays[1::2], stored)


def find_run(run: Path | None, logs: Path) -> Path:
    """The folder of a run with a trained network: the one asked for, by its path or its name, or else the newest.

    Raises:
        RunError: where there is none.
    """
    finished = sorted(logs.glob("*/model.keras"), key=lambda file: (file.stat().st_mtime_ns, file))
    if run is None:
        if not finished:
            raise RunError(
                f"{logs} holds no finished run; expected a folder in it with a model.keras. Train one with train.py, "
                "or choose another place with --run or --logs."
            )
        return finished[-1].parent
    for folder in (run, logs / run):
        if (folder / "model.keras").is_file():
            return folder
    if run.is_dir():
        raise RunError(
            f"--run {run} has no trained network (model.keras){_how_it_ended(run)}; choose a run that has ended."
        )
    names = [file.parent.name for file in finished]
    near = difflib.get_close_matches(run.name, names, n=1)
    raise RunError(
        f"--run {run} does not exist; expected the folder of a finished run."
        + (f" Did you mean {str(logs / near[0])!r}?" if near else "")
    )


def _how_it_ended(folder: Path) -> str:
    """What the summary of a run without a network says, in brackets."""
    try:
        return f": it ended with {json.loads((folder / 'summary.json').read_text(encoding='utf-8'))['status']}"
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def read_config(file: Path) -> Config:
    """The configuration that a run was begun with.

    Raises:
        RunError: where it cannot be read, or could not have been used.
    """
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))["config"]
        config = pydantic.TypeAdapter(Config).validate_python(settings)
        config.validate()
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}; expected the settings of a run.") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][:1])) or "config"
        raise RunError(f"{file} is not as train.py writes it: {where}: {first['msg']}.") from error
    except ConfigError as error:
        raise RunError(f"{file} is not as train.py writes it: {_first_line(error)}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise RunError(f"{file} is not as train.py writes it: expected JSON with the entry config.") from error
    return config


def read_weights(file: Path, config: Config) -> list[np.ndarray]:
    """Kernel and bias of each layer in turn, of the network that a run ended with.

    Raises:
        RunError: where the file cannot be read, or holds another network than the configuration says.
    """
    try:
        arrays = keras.models.load_model(file, compile=False).get_weights()
    except Exception as error:  # Keras raises what its many parts raise
        raise RunError(f"{file} cannot be read: {_first_line(error)}") from error
    expected = [shape for n, m in zip(config.sizes, config.sizes[1:], strict=False) for shape in ((n, m), (m,))]
    if [array.shape for array in arrays] != expected:
        raise RunError(
            f"{file} holds arrays of the shapes {_shapes(arrays)}; expected {_shapes_of(expected)}, as config.json "
            "beside it says. The two are of different runs."
        )
    return arrays


def read_data(config: Config, folder: Path) -> mnist.Mnist:
    """The data a run was trained on.

    Raises:
        RunError: where the run's own data are gone.
        mnist.DataError: where there is no MNIST.
    """
    if config.data is not None and not config.data.exists():
        raise RunError(
            f"The data of {folder} are gone: {config.data} does not exist; say where they are now with --data PATH."
        )
    return mnist.load(config.data, say=lambda _: None)


def _shapes(arrays: Sequence[Any]) -> str:
    return _shapes_of([array.shape for array in arrays])


def _shapes_of(shapes: Sequence[tuple[int, ...]]) -> str:
    return " ".join(str(shape) for shape in shapes) or "none"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
