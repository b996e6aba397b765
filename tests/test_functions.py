"""Activations and costs, against hand-worked values and the complex step."""

import numpy as np
import pytest

from backprop.functions import ACTIVATIONS, COSTS, look_up, sigmoid, sigmoid_prime, softmax, tanh
from backprop.network import Network

H = 1e-30


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_of_each_activation_is_that_of_the_complex_step(name):
    activation = ACTIVATIONS[name]
    z = np.linspace(-20, 20, 401) + 0.003  # no kink among them
    expected = activation.function(z + 1j * H).imag / H
    np.testing.assert_allclose(activation.derivative(z), expected, rtol=1e-13, atol=3e-16)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_wrong_derivative_is_noticed(name):
    """The twin of the test above: the derivative at another place does not pass."""
    activation = ACTIVATIONS[name]
    z = np.linspace(-2, 2, 41) + 0.003
    expected = activation.function(z + 1j * H).imag / H
    wrong = activation.derivative(z + 0.1) * (1.001 if name in ("relu", "linear") else 1)
    assert np.abs(wrong - expected).max() > 1e-4


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("lead", [(), (3,)])
def test_slope_of_each_cost_is_that_of_the_complex_step(name, lead):
    cost = COSTS[name]
    rng = np.random.default_rng(1)
    a = rng.normal(size=(*lead, 6, 4))
    y = rng.uniform(size=a.shape)
    y /= y.sum(axis=-1, keepdims=True)
    slope = cost.slope(a, y)
    for j in range(4):
        moved = a.astype(complex)
        moved[..., j] += 1j * H
        np.testing.assert_allclose(slope[..., j], cost.value(moved, y).imag / H, rtol=1e-12, atol=1e-15)


def test_values_worked_by_hand():
    # e^0 = 1, so s(0) = 1/2 and s'(0) = 1/4; s(ln 3) = 3 / (1 + 3) = 0.75, s'(ln 3) = 0.75 * 0.25
    z = np.array([0.0, np.log(3.0), -np.log(3.0)])
    np.testing.assert_allclose(sigmoid(z), [0.5, 0.75, 0.25], rtol=1e-15)
    np.testing.assert_allclose(sigmoid_prime(z), [0.25, 0.1875, 0.1875], rtol=1e-15)
    # (0.9 - 1)^2 + (0.2 - 0)^2 = 0.01 + 0.04, summed over the outputs, not averaged
    squared = COSTS["squared-error"]
    np.testing.assert_allclose(squared.value(np.array([[0.9, 0.2]]), np.array([[1.0, 0.0]])), [0.05])
    np.testing.assert_allclose(squared.slope(np.array([[0.9, 0.2]]), np.array([[1.0, 0.0]])), [[-0.2, 0.4]])
    # softmax(ln 1, ln 3) = (1, 3) / 4; -log(3/4) for the second class
    entropy = COSTS["cross-entropy"]
    logits, target = np.log([[1.0, 3.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(softmax(logits), [[0.25, 0.75]])
    np.testing.assert_allclose(entropy.value(logits, target), [-np.log(0.75)])
    np.testing.assert_allclose(entropy.slope(logits, target), [[0.25, -0.25]])


def test_tanh_is_a_stretched_sigmoid():
    z = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(tanh(z), 2 * sigmoid(2 * z) - 1, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extreme_inputs_stay_finite_and_keep_their_dtype(name, dtype):
    z = np.array([-1000.0, -90.0, 0.0, 90.0, 1000.0], dtype=dtype)
    for values in (ACTIVATIONS[name].function(z), ACTIVATIONS[name].derivative(z)):
        assert values.dtype == dtype
        assert np.isfinite(values).all()


def test_sigmoid_keeps_the_digits_of_small_activations():
    z = np.float32([-20.0])
    assert sigmoid(z) == pytest.approx(np.exp(-20.0), rel=1e-6)


def test_cross_entropy_of_extreme_logits_is_finite_and_right():
    logits = np.array([[1000.0, 0.0, -1000.0]])
    entropy = COSTS["cross-entropy"]
    assert entropy.value(logits, np.array([[1.0, 0.0, 0.0]])) == 0
    assert entropy.value(logits, np.array([[0.0, 0.0, 1.0]])) == 2000
    np.testing.assert_array_equal(entropy.slope(logits, np.array([[0.0, 1.0, 0.0]])), [[1.0, -1.0, 0.0]])


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match="activation is 'sigmod'; .*Did you mean 'sigmoid'"):
        look_up("activation", "sigmod", ACTIVATIONS)
    with pytest.raises(ValueError, match=r"cost is 'xyz'; expected one of: squared-error, cross-entropy\.$"):
        Network.from_names(["sigmoid"], "xyz")
