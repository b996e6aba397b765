"""The gradient by TensorFlow's tape: automatic differentiation, which shares no code with the manual module."""

import keras
import numpy as np
import tensorflow as tf


def tape_gradients(model: keras.Model, x: np.ndarray, y: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The gradient of the model's loss for one batch.

    Args:
        model: of dense layers with biases, built and compiled with a `keras.losses.Loss` object.
        x: (B, inputs), of the model's dtype.
        y: (B, outputs), of the model's dtype.

    Returns:
        `(dW, db)`: one array for each kernel and bias, as from `backprop.backward`, of the model's dtype.
    """
    with tf.GradientTape() as tape:
        cost = model.loss(tf.constant(y), model(tf.constant(x), training=True))
    gradients = [gradient.numpy() for gradient in tape.gradient(cost, model.trainable_variables)]
    return gradients[0::2], gradients[1::2]
