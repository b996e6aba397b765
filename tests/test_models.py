"""The Keras side, against the manual module and the complex step: three derivations that share no code."""

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest
import tensorflow as tf

from backprop.network import Network, backward, forward
from backprop.numeric import complex_step, cost_of_parameters
from models.losses import SumSquaredError, build_loss
from models.mlp import build_mlp


def tape_gradients(model, loss, x, y):
    with tf.GradientTape() as tape:
        cost = loss(y, model(x, training=True))
    return [g.numpy() for g in tape.gradient(cost, model.trainable_variables)], float(cost)


def network_and_batch(hidden, num_outputs, activation, cost, dtype, batch_size, seed=5):
    """A Keras model with random biases too, its manual twin, and a batch."""
    output_activation = "linear" if cost == "cross-entropy" else activation
    model = build_mlp(6, hidden, num_outputs, activation, output_activation, dtype, seed)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    network = Network.from_names([activation] * len(hidden) + [output_activation], cost)
    x = rng.normal(size=(batch_size, 6)).astype(dtype)
    y = rng.uniform(0.05, 0.95, size=(batch_size, num_outputs))
    y = (y / y.sum(axis=-1, keepdims=True) if cost == "cross-entropy" else y).astype(dtype)
    return model, network, x, y


def worst_error(gradients, reference):
    return max(
        np.linalg.norm(g - r) / (np.linalg.norm(r) if np.linalg.norm(r) > 1e-14 else 1)
        for g, r in zip(gradients, reference, strict=True)
    )


@pytest.mark.parametrize("batch_size", [1, 5, 32])
@pytest.mark.parametrize(
    ("cost", "hidden", "num_outputs"),
    [
        ("squared-error", (5, 4), 3),
        ("squared-error", (5, 5, 5), 5),
        ("squared-error", (4,), 1),
        ("squared-error", (), 4),
        ("squared-error", (4,) * 9, 3),
        ("squared-error", (1, 1), 1),
        ("cross-entropy", (5, 4), 3),  # not with one output: the softmax over it is always 1
        ("cross-entropy", (5, 5, 5), 5),
        ("cross-entropy", (), 4),
        ("cross-entropy", (4,) * 9, 3),
        ("cross-entropy", (1, 1), 2),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_tape_manual_and_complex_step_agree(activation, cost, dtype, hidden, num_outputs, batch_size):
    model, network, x, y = network_and_batch(hidden, num_outputs, activation, cost, dtype, batch_size)
    tape, tape_cost = tape_gradients(model, build_loss(cost, dtype), x, y)
    weights = model.get_weights()
    assert {w.dtype for w in weights} == {g.dtype for g in tape} == {np.dtype(dtype)}

    W, b = weights[0::2], weights[1::2]
    z, a = forward(network, W, b, x)
    dW, db = backward(network, W, b, z, a, y)
    manual = [tensor for pair in zip(dW, db, strict=True) for tensor in pair]

    parameters = [w.astype(np.float64) for w in [*W, *b]]
    cost_function = cost_of_parameters(network, x.astype(np.float64), y.astype(np.float64))
    derivatives = complex_step(cost_function, parameters)
    exact = [t for pair in zip(derivatives[: len(W)], derivatives[len(W) :], strict=True) for t in pair]

    tolerance = 1e-12 if dtype == "float64" else 1e-4  # ten layers of N(0, 1) kernels amplify rounding
    assert worst_error(tape, exact) < tolerance
    assert worst_error(manual, exact) < tolerance
    assert tape_cost == pytest.approx(float(cost_function(parameters)), rel=tolerance, abs=1e-7)


def test_a_mean_squared_error_is_noticed():
    """The twin: Keras's `mse` averages over the outputs, a third of the lecture's gradient for three of them."""
    model, network, x, y = network_and_batch((5, 4), 3, "sigmoid", "squared-error", "float64", 5)
    right, _ = tape_gradients(model, SumSquaredError(dtype="float64"), x, y)
    wrong, _ = tape_gradients(model, keras.losses.MeanSquaredError(dtype="float64"), x, y)
    assert worst_error(wrong, right) == pytest.approx(2 / 3)


def test_the_lectures_network():
    model = build_mlp()
    assert [layer.name for layer in model.layers] == ["hidden_1", "hidden_2", "output"]
    assert [w.shape for w in model.get_weights()] == [(784, 16), (16,), (16, 16), (16,), (16, 10), (10,)]
    assert model.count_params() == 13_002
    assert all((b == 0).all() for b in model.get_weights()[1::2])


def test_the_lectures_chain_is_the_same_code():
    assert [w.shape for w in build_mlp(1, (1, 1), 1).get_weights()] == [(1, 1), (1,)] * 3


def test_seeds():
    first, same, other = build_mlp(seed=1), build_mlp(seed=1), build_mlp(seed=2)
    for w, v in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    square = build_mlp(8, (8, 8), 8, seed=0).get_weights()[0::2]
    assert not np.array_equal(square[0], square[1]), "layers of the same shape must not begin alike"


def test_loss_by_hand():
    y = np.array([[1.0, 0.0], [0.0, 1.0]])
    a = np.array([[0.5, 0.5], [0.0, 0.8]])
    # (0.25 + 0.25) and (0 + 0.04), averaged over the two samples
    assert float(SumSquaredError(dtype="float64")(y, a)) == pytest.approx(0.27, rel=1e-12)


def test_unknown_cost():
    with pytest.raises(ValueError, match="cost is 'mse'"):
        build_loss("mse")


def test_a_saved_model_comes_back_with_its_loss(tmp_path):
    model = build_mlp(4, (3,), 2)
    model.compile(optimizer="sgd", loss=SumSquaredError())
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.loss, SumSquaredError)
    for w, v in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)
