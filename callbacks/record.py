"""What the training loop tells about some steps: everything that is needed to do them again."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class GradientRecord:
    """K consecutive training steps of one batch size, stacked along the first axis.

    A callback with a method `on_gradients(record)` receives one for each call of the compiled step, before the Keras
    hook `on_train_batch_end`. (Keras's own `logs` cannot carry gradients: they are turned into floats.)

    Attributes:
        epoch: from 0, as Keras counts.
        first_step: steps trained before these, over all epochs.
        num_steps_per_epoch: how many steps an epoch has.
        names: of the parameters, such as "hidden_1 kernel", in the order of `model.trainable_variables`.
        indices: int32 (K, B), the rows of the training set that make up each batch.
        costs: (K,), of each batch, before its update.
        num_correct: int32 (K,), how many samples of each batch were classified right, before its update.
        learning_rates: (K,).
        parameters: (K, *shape) each: entry k as it was before step k.
        final_parameters: (*shape) each, as they were after the last of these steps.
        gradients: (K, *shape) each, in the same order, as the tape gave them.
        found: what callbacks found out about these steps, by a name of theirs, for the callbacks after them.
    """

    epoch: int
    first_step: int
    num_steps_per_epoch: int
    names: tuple[str, ...]
    indices: npt.NDArray[np.int32]
    costs: Array
    num_correct: npt.NDArray[np.int32]
    learning_rates: Array
    parameters: tuple[Array, ...]
    final_parameters: tuple[Array, ...]
    gradients: tuple[Array, ...]
    found: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """K, the number of steps."""
        return len(self.indices)

    def parameter_after(self, i: int, steps: Array | slice) -> Array:
        """Parameter i as it was after each of these steps, (n, *shape)."""
        steps = np.arange(len(self))[steps]
        before_the_next = self.parameters[i][as_slice(steps[steps < len(self) - 1] + 1)]
        if len(before_the_next) == len(steps):
            return before_the_next
        return np.concatenate([before_the_next, self.final_parameters[i][np.newaxis]])

    def describe(self, k: int) -> str:
        """Where step k of this record lies, for people: counted from 1.

        Example:
            "epoch 2, step 1,880 (5 of 1,875 in its epoch)"
        """
        step = self.first_step + k
        in_epoch = step - self.epoch * self.num_steps_per_epoch
        return (
            f"epoch {self.epoch + 1}, step {step + 1:,} ({in_epoch + 1:,} of {self.num_steps_per_epoch:,} in its epoch)"
        )


def as_slice(indices: Array) -> slice | Array:
    """The same indices; as a slice, which copies nothing, where they ascend in equal strides."""
    strides = np.diff(indices) if len(indices) > 1 else np.ones(1, dtype=np.int64)
    if len(indices) == 0 or strides[0] < 1 or np.any(strides != strides[0]):
        return indices
    return slice(int(indices[0]), int(indices[-1]) + 1, int(strides[0]))
