"""Stops a run whose cost is infinite or not a number, and says since when and why."""

import keras
import numpy as np

from callbacks.record import GradientRecord


class NonFiniteCost(Exception):
    """The cost is infinite or not a number. The message names the step and the likely cause."""


class FiniteCost(keras.callbacks.Callback):
    """Raises `NonFiniteCost` at the first step whose cost, or whose update, is not finite.

    `keras.callbacks.TerminateOnNaN` stops quietly instead, at the end of the call in which it happened. This one names
    the step, since the record has every one of them, and tells what went before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_cost: float | None = None

    def on_gradients(self, record: GradientRecord) -> None:
        """Look at each step's cost, and at the parameters after it.

        Raises:
            NonFiniteCost: at the first that is not finite.
        """
        finite_after = [np.isfinite(p[1:]).all(axis=tuple(range(1, p.ndim))) for p in record.parameters]  # (K,) each
        finite = np.isfinite(record.costs) & np.logical_and.reduce(finite_after)  # (K,)
        if finite.all():
            self._last_cost = float(record.costs[-1])
            return
        k = int(np.argmin(finite))
        before = float(record.costs[k - 1]) if k > 0 else self._last_cost
        raise NonFiniteCost(self._message(record, k, before))

    def _message(self, record: GradientRecord, k: int, before: float | None) -> str:
        what = f"The cost is {record.costs[k]}" if not np.isfinite(record.costs[k]) else "The update is not finite"
        message = f"{what} at {record.describe(k)}"
        if before is None:
            return (
                f"{message}, the first one. Likely cause: data or initial weights that are not finite or far too large."
            )
        return (
            f"{message}; the cost of the step before was {before:.3g}. Likely cause: steps that are too long. "
            f"Try a learning rate of {record.learning_rates[k] / 10:g}."
        )
