"""Which steps and epochs of a run are logged, so that a long run's log is hardly larger than a short one's."""

import math
from dataclasses import dataclass

import numpy as np

from backprop.functions import Array

FIRST_STEPS = 10
"""All of these are logged: there the most happens."""

MOST_LOGGED_STEPS = 500
"""Points of a curve, about: more than a chart is wide. Of more than 1,000, TensorBoard shows some that it draws by lot.
"""

MOST_KEPT_STEPS = 64
"""Steps whose gradients are kept. TensorBoard keeps 100 arrays of a name."""

MOST_KEPT_BYTES = 16 * 2**20
"""Of all kept steps together, as long as there are `FEWEST_KEPT_STEPS`."""

FEWEST_KEPT_STEPS = 4

LARGEST_KEPT_STEP = 64 * 2**20
"""Bytes. Larger steps are not kept."""

MOST_PICTURED_EPOCHS = 5
"""Drawing takes about as long as all else that is logged of an epoch. TensorBoard keeps 10 pictures of a name."""


@dataclass(frozen=True)
class Cadence:
    """What is logged when; steps and epochs are counted from 0.

    Attributes:
        every: steps between two logged ones, after the first.
        kept: the steps whose gradients are kept, all of them logged ones.
        pictured_epochs: at whose ends pictures are drawn.
    """

    every: int
    kept: frozenset[int]
    pictured_epochs: frozenset[int]

    @classmethod
    def of_run(cls, num_steps: int, num_epochs: int, every: int, check_every: int, bytes_of_step: int) -> "Cadence":
        """What suits a run.

        Args:
            num_steps: of the whole run.
            num_epochs: of the whole run.
            every: steps between two logged ones; doubled, tripled, ... where the run is so long that there would be
                too many of them.
            check_every: steps between two checked ones, which alone can be kept; 0 where none is.
            bytes_of_step: what keeping a step takes.
        """
        every *= max(1, math.ceil(num_steps / (every * MOST_LOGGED_STEPS)))
        logged = np.union1d(np.arange(min(FIRST_STEPS, num_steps)), np.arange(0, num_steps, every))
        checked = logged[logged % check_every == 0] if check_every else logged[:0]
        how_many = int(np.clip(MOST_KEPT_BYTES // bytes_of_step, FEWEST_KEPT_STEPS, MOST_KEPT_STEPS))
        kept = _log_spaced(checked, how_many) if bytes_of_step <= LARGEST_KEPT_STEP else checked[:0]
        epochs = _log_spaced(np.arange(num_epochs), MOST_PICTURED_EPOCHS)
        return cls(every, frozenset(kept.tolist()), frozenset(epochs.tolist()))

    def logged(self, steps: Array) -> Array:
        """Which of these steps are logged: bool, of the same shape."""
        return (steps < FIRST_STEPS) | (steps % self.every == 0)

    def with_histograms(self, steps: Array) -> Array:
        """At which of these steps histograms are made: every tenth of the logged ones."""
        return steps % (10 * self.every) == 0


def _log_spaced(numbers: Array, how_many: int) -> Array:
    """At most that many of some ascending numbers, dense at the beginning; the first and the last are among them."""
    if len(numbers) <= how_many:
        return numbers
    targets = np.geomspace(1, numbers[-1] + 1, how_many) - 1
    return np.unique(numbers[np.minimum(np.searchsorted(numbers, targets), len(numbers) - 1)])
