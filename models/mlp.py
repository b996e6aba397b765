"""The network: fully connected layers in a Keras `Sequential`."""

from collections.abc import Sequence

import keras
import numpy as np

INITIALIZERS = {
    "sigmoid": keras.initializers.GlorotNormal,
    "tanh": keras.initializers.GlorotNormal,
    "linear": keras.initializers.GlorotNormal,
    "relu": keras.initializers.HeUniform,  # twice the variance, since a ReLU lets half of it pass
}


def build_mlp(
    num_inputs: int = 784,
    hidden: Sequence[int] = (16, 16),
    num_outputs: int = 10,
    activation: str = "sigmoid",
    output_activation: str = "sigmoid",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Sequential:
    """Build a multi-layer perceptron; the defaults are the lecture's network, with 13,002 parameters.

    Args:
        num_inputs: length of an input vector.
        hidden: units in each hidden layer, from the input's side. Any number of layers, so `build_mlp(1, (1, 1), 1)` is
            the lecture's chain of four layers with one unit each.
        num_outputs: units in the output layer.
        activation: "sigmoid", "tanh", "relu" or "linear", of the hidden layers.
        output_activation: the same, of the output layer; "linear" for a cost that takes logits.
        dtype: "float32" or "float64", of parameters and computation.
        seed: of the kernels: Glorot normal, or He uniform before a ReLU. Biases begin at zero.

    Returns:
        A model, built, of layers `hidden_1`, `hidden_2`, ..., `output`. Its `trainable_variables` are kernel
        and bias of each layer in turn.

    Example:
        >>> build_mlp().count_params()  # 784*16 + 16  +  16*16 + 16  +  16*10 + 10
        13002
    """
    sizes = [*hidden, num_outputs]
    names = [f"hidden_{i}" for i in range(1, len(hidden) + 1)] + ["output"]
    activations = [activation] * len(hidden) + [output_activation]
    seeds = np.random.SeedSequence(seed).generate_state(len(sizes))  # one for each layer, none like another
    layers = [
        keras.layers.Dense(
            size,
            activation=layer_activation,
            kernel_initializer=INITIALIZERS[layer_activation](seed=int(layer_seed)),
            dtype=dtype,
            name=name,
        )
        for size, layer_activation, layer_seed, name in zip(sizes, activations, seeds, names, strict=True)
    ]
    return keras.Sequential([keras.Input((num_inputs,), dtype=dtype), *layers], name="mlp")
