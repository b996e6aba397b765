"""What of the experiment needs TensorFlow: Keras's first weights, the gradient check, the log for TensorBoard."""

import math
from pathlib import Path

import models.tensorflow_backend  # noqa: F401

import numpy as np
from tensorboard.plugins.hparams.summary_v2 import Metric

import train
from backprop.network import Network
from callbacks.event_file import EventFile, scalar
from callbacks.gradient_check import GradientCheck, GradientMismatch
from callbacks.run_description import hparams_end, hparams_start
from callbacks.step_values import log10, short_name
from datasets import mnist
from experiments.wrong_outcomes import Outcome, Verdict
from experiments.wrong_training import Look, Setup, Trained
from models.mlp import build_mlp

METRICS = (
    Metric("at the end/accuracy", display_name="test accuracy"),
    Metric("at the end/cosine", display_name="cosine"),
    Metric("at the end/log10 error", display_name="log10 of the error found"),
)
"""The columns of the HParams tab: numbers that a run has one of."""


def setup_from(
    data: train.Dataset, epochs: int = 2, batch_size: int = 64, learning_rate: float = 1.0, seed: int = 0
) -> Setup:
    """The lecture's network, with the first weights and the batches of `train.py`.

    Args:
        data: as the network takes it.
        epochs: how often all training samples are used.
        batch_size: of all batches but the last of an epoch, which has what is left.
        learning_rate: as a factor of the gradient.
        seed: of weights and order, as in `train.py`.
    """
    dtype, num_samples = data.x_train.dtype.name, len(data.x_train)
    model = build_mlp(num_inputs=data.x_train.shape[1], num_outputs=data.y_train.shape[1], dtype=dtype, seed=seed)
    weights = model.get_weights()
    orders = [train.epoch_order(seed, epoch, num_samples) for epoch in range(epochs)]
    return Setup(
        network=Network.from_names(["sigmoid"] * (len(weights) // 2), "squared-error"),
        W=weights[0::2],
        b=weights[1::2],
        **vars(data),
        batches=[order[i : i + batch_size] for order in orders for i in range(0, num_samples, batch_size)],
        steps_per_epoch=math.ceil(num_samples / batch_size),
        learning_rate=learning_rate,
    )


def mnist_data(path: Path | None) -> train.Dataset:
    """All images, float32."""
    return train.Dataset.from_mnist(mnist.load(path), "float32")


# --- the gradient check -----------------------------------------------------------------------------------------


def verdict_of(trained: Trained, setup: Setup) -> Verdict | None:
    """What `GradientCheck`, given the right network and the right batches, says of a training.

    Args:
        trained: with its records.
        setup: it was trained with.

    Returns:
        The first of the recorded steps that does not agree, or that all do; None where there is no record.
    """
    if not trained.records:
        return None
    check = GradientCheck(setup.network, setup.x_train, setup.y_train)
    for record in trained.records:
        step = record.first_step + 1
        try:
            check.on_gradients(record)
        except GradientMismatch as mismatch:
            worst = max(mismatch.reports, key=lambda report: np.nan_to_num(report.error, nan=np.inf))
            return Verdict(step, worst.name, worst.error, check.tolerance, check.steps_checked, str(mismatch))
        except ValueError as refusal:  # a gradient of another shape than its parameter
            shapes = zip(record.names, record.gradients, record.final_parameters, strict=True)
            tensor = next(name for name, g, w in shapes if g.shape[1:] != w.shape)
            return Verdict(step, tensor, np.inf, check.tolerance, check.steps_checked, str(refusal))
    error = check.worst.error if check.worst else 0.0
    return Verdict(None, check.worst.tensor if check.worst else "", error, check.tolerance, check.steps_checked, "")


# --- the log for TensorBoard --------------------------------------------------------------------------------------


def write_events(folder: Path, outcome: Outcome, num_steps: int) -> None:
    """One run: curves, and what the HParams tab compares.

    Args:
        folder: of the run.
        outcome: whose curves.
        num_steps: of the correct training. Curves end there: a training of far more steps would stretch the axis for
            all others.
    """
    trained, verdict = outcome.trained, outcome.verdict
    events = EventFile(folder)
    settings = {
        "kind": trained.kind or "none",
        "end": trained.end,
        "check": verdict.in_short if verdict else "nothing to check",
        "worst tensor": "" if verdict is None or verdict.agrees else verdict.tensor,
    }
    events.write(0, hparams_start(trained.name, settings, METRICS))
    for look in trained.looks:
        if look.step <= num_steps:
            events.write(look.step, _finite(_scalars(look)))
    cosines = [look.cosine for look in trained.looks if not np.isnan(look.cosine)]
    at_the_end = {
        "at the end/accuracy": trained.accuracy,
        "at the end/cosine": cosines[-1] if cosines else np.nan,
        "at the end/log10 error": float(log10(np.float64(verdict.error))) if verdict else np.nan,
    }
    events.write(0, _finite(at_the_end))
    events.write(0, hparams_end(success=trained.end == "done"))
    events.close()


def _finite(values: dict[str, float]) -> list:
    return [scalar(tag, value) for tag, value in values.items() if np.isfinite(value)]


def _scalars(look: Look) -> dict[str, float]:
    values = {
        "accuracy/test": look.accuracy,
        "cost/batch": look.cost,
        "cosine/gradient": look.cosine,
        "cosine/step": look.step_cosine,
    }
    return values | {f"log10 error/{short_name(i)}": float(log10(error)) for i, error in enumerate(look.errors)}
