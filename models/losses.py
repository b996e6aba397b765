"""The costs, as Keras losses."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="backprop")
class SumSquaredError(keras.losses.Loss):
    """The lecture's cost: sum over the outputs of (a - y)^2, mean over the batch.

    `keras.losses.MeanSquaredError` averages over the outputs too, so for ten digits it is a tenth of this: a learning
    rate of 1 here does what 10 does there.

    Args:
        name: of the loss.
        reduction: over the batch; the default is its mean.
        dtype: of the computation; Keras would use float32 for a float64 network otherwise.

    Example:
        >>> float(SumSquaredError()([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]]))  # (0.5 + 0) / 2
        0.25
    """

    def __init__(
        self,
        name: str = "sum_squared_error",
        reduction: str = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The cost of each sample.

        Args:
            y_true: (B, n) targets.
            y_pred: (B, n) activations of the output layer.

        Returns:
            (B,)
        """
        return keras.ops.sum(keras.ops.square(y_pred - y_true), axis=-1)


def build_loss(cost: str, dtype: str = "float32") -> keras.losses.Loss:
    """The Keras loss for a cost's name.

    Args:
        cost: "squared-error", or "cross-entropy", which takes logits and applies softmax itself.
        dtype: "float32" or "float64".

    Raises:
        ValueError: for any other name.
    """
    if cost == "squared-error":
        return SumSquaredError(dtype=dtype)
    if cost == "cross-entropy":
        return keras.losses.CategoricalCrossentropy(from_logits=True, dtype=dtype)
    raise ValueError(f"cost is {cost!r}; expected 'squared-error' or 'cross-entropy'")
