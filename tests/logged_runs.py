"""Real runs on made images, as TensorBoard reads them: one with the right manual module, one with a wrong one."""

import dataclasses

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from backprop import ChainRule
from backprop.network import kernel_gradient
from config import Config
from tests.made import made_images

FAULTY_LAYER = 1
"""hidden_2, whose kernel's gradient is 15 % too large in the faulty run."""


class Keep(keras.callbacks.Callback):
    """Keeps the records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def on_gradients(self, record):
        self.records.append(record)

    def whole(self, field, i=None):
        """All steps of the run in one array, (steps, *shape)."""
        arrays = [getattr(record, field) for record in self.records]
        return np.concatenate(arrays if i is None else [array[i] for array in arrays])


@dataclasses.dataclass(frozen=True)
class LoggedRun:
    """A finished run: its folder, and what it was made of."""

    folder: object
    records: Keep
    result: object = None
    data: object = None

    def events(self, run):
        """The reader of one of its runs, with every point."""
        everything = dict.fromkeys(("scalars", "histograms", "images", "tensors"), 0)
        return EventAccumulator(str(self.folder / run), size_guidance=everything).Reload()

    def scalars(self, run):
        """By tag, a dict from step to number."""
        events = self.events(run)
        return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def wrong_in_one_layer(right):
    """The manual network, with one layer's kernel gradient 15 % too large."""

    def too_large(p, l, delta, dz_dW):
        gradient = kernel_gradient(p, l, delta, dz_dW)
        return 1.15 * gradient if l == FAULTY_LAYER else gradient

    return dataclasses.replace(right, rule=ChainRule(kernel_gradient=too_large))


def logged_run(folder, data_file, *, faulty=False, **options):
    """Train with `train.train`, as `train.py` does."""
    config = Config(data=data_file, logs=folder, on_mismatch="warn" if faulty else "stop", **options)
    stored = train.mnist.load(data_file)
    data = train.Dataset.from_mnist(stored, config.dtype)
    records, right = Keep(), train.manual_network
    try:
        if faulty:
            train.manual_network = lambda config: wrong_in_one_layer(right(config))
        result = train.train(config, callbacks=[records], console=train.runs.Output(quiet=True))
    finally:
        train.manual_network = right
    return LoggedRun(result.folder, records, result, data)


def write_made_images(folder):
    """A file of made images, as a user's own data."""
    path = folder / "made.npz"
    np.savez(path, **made_images(num_train=330))
    return path
