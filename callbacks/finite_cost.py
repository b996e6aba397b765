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
        """Look at each step's cost, and at the parameters after the last: one that is not finite remains so.

        Raises:
            NonFiniteCost: at the first that is not finite.
        """
        finite = np.isfinite(record.costs)  # (K,)
        if finite.all() and all(np.isfinite(final).all() for final in record.final_parameters):
            self._last_cost = float(record.costs[-1])
            return
        for before, final in zip(record.parameters, record.final_parameters, strict=True):
            after = np.concatenate([before[1:], final[np.newaxis]])  # (K, *shape)
            finite &= np.isfinite(after).all(axis=tuple(range(1, after.ndim)))
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
