"""The manual backpropagation, against numbers worked by hand and against the complex step."""

import dataclasses
import math

import numpy as np
import pytest

from backprop.network import ChainRule, Network, backward, batch_cost, forward, sgd_step
from backprop.numeric import complex_step, cost_of_parameters
from tests.made import random_problem


def complex_step_gradients(problem):
    gradients = complex_step(cost_of_parameters(problem.network, problem.x, problem.y), [*problem.W, *problem.b])
    return gradients[: len(problem.W)], gradients[len(problem.W) :]


def largest_error(gradients, reference):
    """Norm-relative, over all tensors: worked here anew, not by `backprop.compare`. Zero against zero is 0."""
    pairs = zip([*gradients[0], *gradients[1]], [*reference[0], *reference[1]], strict=True)
    return max(np.linalg.norm(g - r) / (np.linalg.norm(r) if r.any() else 1) for g, r in pairs)


def test_the_lectures_chain_of_four_layers_by_hand():
    """1-1-1-1 with sigmoid, every number worked out step by step with `math` alone.

    x = 0.5, target y = 1, weights 1, -2, 3, biases 0.1, 0.2, 0.3.
    """

    def s(z):
        return 1 / (1 + math.exp(-z))

    # forward
    z1 = 1 * 0.5 + 0.1  # 0.6
    a1 = s(z1)  # 0.6457
    z2 = -2 * a1 + 0.2  # -1.0913
    a2 = s(z2)  # 0.2514
    z3 = 3 * a2 + 0.3  # 1.0542
    a3 = s(z3)  # 0.7416
    cost = (a3 - 1) ** 2  # 0.0668

    # the last layer: dC/da, da/dz, and their product
    delta3 = 2 * (a3 - 1) * a3 * (1 - a3)
    dw3, db3 = delta3 * a2, delta3
    # dC/da2 = delta3 * w3, and so on down
    delta2 = delta3 * 3 * a2 * (1 - a2)
    dw2, db2 = delta2 * a1, delta2
    delta1 = delta2 * -2 * a1 * (1 - a1)
    dw1, db1 = delta1 * 0.5, delta1

    network = Network.from_names(["sigmoid"] * 3, "squared-error")
    W = [np.array([[1.0]]), np.array([[-2.0]]), np.array([[3.0]])]
    b = [np.array([0.1]), np.array([0.2]), np.array([0.3])]
    y = np.array([[1.0]])
    z, a = forward(network, W, b, np.array([[0.5]]))
    dW, db = backward(network, W, b, z, a, y)

    np.testing.assert_allclose([z_l.item() for z_l in z], [z1, z2, z3], rtol=1e-15)
    np.testing.assert_allclose([a_l.item() for a_l in a], [0.5, a1, a2, a3], rtol=1e-15)
    np.testing.assert_allclose(batch_cost(network, a[-1], y), cost, rtol=1e-14)
    np.testing.assert_allclose([g.item() for g in dW], [dw1, dw2, dw3], rtol=1e-14)
    np.testing.assert_allclose([g.item() for g in db], [db1, db2, db3], rtol=1e-14)
    # and to four digits, as one would write them down
    np.testing.assert_allclose([z1, a1, z2, a2, z3, a3], [0.6, 0.6457, -1.0913, 0.2514, 1.0541, 0.7416], atol=5e-5)
    np.testing.assert_allclose([dw3, dw2, dw1], [-0.0249, -0.0361, 0.0128], atol=5e-5)


def test_two_units_and_two_samples_by_hand():
    """One layer of two linear units: dC/dw_jk is the mean over the samples of 2 (a_j - y_j) x_k."""
    network = Network.from_names(["linear"], "squared-error")
    W, b = [np.array([[1.0, 2.0]])], [np.array([0.0, 1.0])]
    x, y = np.array([[1.0], [3.0]]), np.array([[0.0, 0.0], [1.0, 5.0]])
    z, a = forward(network, W, b, x)
    np.testing.assert_array_equal(a[1], [[1.0, 3.0], [3.0, 7.0]])  # x w + b
    # a - y = [[1, 3], [2, 2]]; slopes [[2, 6], [4, 4]]
    dW, db = backward(network, W, b, z, a, y)
    np.testing.assert_array_equal(dW[0], [[(2 * 1 + 4 * 3) / 2, (6 * 1 + 4 * 3) / 2]])
    np.testing.assert_array_equal(db[0], [(2 + 4) / 2, (6 + 4) / 2])
    assert batch_cost(network, a[1], y) == ((1 + 9) + (4 + 4)) / 2


SHAPES = {
    "lecture-like": ((7, 5, 4, 3), 11),
    "one sample": ((7, 5, 4, 3), 1),
    "square layers": ((5, 5, 5, 5, 5), 5),
    "one output": ((4, 3, 1), 6),
    "chain": ((1, 1, 1, 1), 2),
    "no hidden layer": ((6, 4), 3),
    "ten layers": ((4,) * 11, 3),
}


SEED_OF_LIVING_UNITS = {("relu", "chain"): 6, ("relu", "ten layers"): 0}  # where a layer's only units may all be off


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_backward_agrees_with_the_complex_step(activation, cost, shape):
    sizes, batch_size = SHAPES[shape]
    problem = random_problem(sizes, batch_size, activation, cost, seed=SEED_OF_LIVING_UNITS.get((activation, shape), 3))
    expected = complex_step_gradients(problem)
    if not (cost == "cross-entropy" and sizes[-1] == 1):  # a softmax over one output is 1, and its cost constant
        assert all(g.any() for g in [*expected[0], *expected[1]])
    assert largest_error(problem.manual_gradients(), expected) < 1e-12


A = (7, 5, 4, 3), 11  # every width and the batch size distinct
C = (5, 5, 5, 5, 5), 5  # all alike: what only crashes elsewhere gives numbers here
WRONG_FACTORS = {
    "factor 2 missing": (A, ChainRule(cost_slope=lambda p: p.a[-1] - p.y)),
    "wrong sign": (A, ChainRule(cost_slope=lambda p: 2 * (p.y - p.a[-1]))),
    "summed, not averaged": (A, ChainRule(average=lambda p, total: total)),
    "averaged over the outputs too": (A, ChainRule(average=lambda p, total: total / p.y.size)),
    "s'(a) for s'(z)": (
        A,
        ChainRule(activation_slope=lambda p, l: p.network.activations[l].derivative(p.a[l + 1])),
    ),
    "no s'": (A, ChainRule(activation_slope=lambda p, l: np.ones_like(p.z[l]))),
    "the misprint: a of the same layer": (C, ChainRule(kernel_slope=lambda p, l: p.a[l + 1])),
    "transpose forgotten": (C, ChainRule(sum_over_paths=lambda p, l, delta, dz_da: delta @ dz_da)),
    "kernel of another layer": (C, ChainRule(input_slope=lambda p, l: p.W[l - 1])),
    "the output's error for every layer": (
        C,
        ChainRule(unit_error=lambda p, l, dC_da, da_dz: 2 * (p.a[-1] - p.y) * p.a[-1] * (1 - p.a[-1])),
    ),
    "averaged, then multiplied": (
        A,
        ChainRule(
            kernel_gradient=lambda p, l, delta, dz_dW: len(delta) * np.outer(dz_dW.mean(axis=0), delta.mean(axis=0))
        ),
    ),
    "only one sample's bias gradient": (A, ChainRule(bias_gradient=lambda p, l, delta, dz_db: delta[-1])),
    "bias gradient times a": (C, ChainRule(bias_slope=lambda p, l: p.a[l][..., :1])),
    "forward without bias": (A, ChainRule(weighted_input=lambda a, W, b: a @ W)),
}


@pytest.mark.parametrize("mistake", WRONG_FACTORS)
def test_each_factor_can_be_replaced_and_then_the_complex_step_disagrees(mistake):
    (sizes, batch_size), rule = WRONG_FACTORS[mistake]
    problem = random_problem(sizes, batch_size, seed=3)
    wrong = dataclasses.replace(problem, network=dataclasses.replace(problem.network, rule=rule))
    assert {f.name for f in dataclasses.fields(ChainRule)} == {
        name for _, r in WRONG_FACTORS.values() for name in vars(r) if vars(r)[name] is not vars(ChainRule())[name]
    }, "a factor of the chain rule that no wrong example replaces"
    assert largest_error(wrong.manual_gradients(), complex_step_gradients(problem)) > 1e-3


@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
def test_many_steps_at_once_are_the_same_as_one_after_the_other(cost):
    problem = random_problem(lead=(6,), cost=cost)
    dW, db = problem.manual_gradients()
    _, a = forward(problem.network, problem.W, problem.b, problem.x)
    costs = batch_cost(problem.network, a[-1], problem.y)
    assert costs.shape == (6,)
    for k in range(6):
        W, b = [w[k] for w in problem.W], [v[k] for v in problem.b]
        z, a = forward(problem.network, W, b, problem.x[k])
        one_dW, one_db = backward(problem.network, W, b, z, a, problem.y[k])
        for many, one in zip([*dW, *db], [*one_dW, *one_db], strict=True):
            np.testing.assert_allclose(many[k], one, rtol=1e-13)
        np.testing.assert_allclose(costs[k], batch_cost(problem.network, a[-1], problem.y[k]), rtol=1e-14)


def test_the_batchs_gradient_is_the_mean_of_the_samples_gradients():
    problem = random_problem()
    dW, db = problem.manual_gradients()
    singles = [
        dataclasses.replace(problem, x=problem.x[i : i + 1], y=problem.y[i : i + 1]).manual_gradients()
        for i in range(len(problem.x))
    ]
    for l in range(3):
        np.testing.assert_allclose(dW[l], np.mean([single[0][l] for single in singles], axis=0), rtol=1e-12)
        np.testing.assert_allclose(db[l], np.mean([single[1][l] for single in singles], axis=0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_the_callers_arrays_are_left_alone(dtype):
    problem = random_problem(activation="relu", cost="cross-entropy").astype(dtype)
    arrays = [*problem.W, *problem.b, problem.x, problem.y]
    before = [array.copy() for array in arrays]
    dW, db = problem.manual_gradients()
    W, b = sgd_step(problem.W, problem.b, dW, db, learning_rate=0.1)
    assert {array.dtype for array in [*dW, *db, *W, *b]} == {np.dtype(dtype)}
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_sgd_step_goes_downhill():
    problem = random_problem()
    cost = cost_of_parameters(problem.network, problem.x, problem.y)
    dW, db = problem.manual_gradients()
    W, b = sgd_step(problem.W, problem.b, dW, db, learning_rate=1e-3)
    slope = sum((g**2).sum() for g in [*dW, *db])  # along the gradient, the cost falls by rate * ||gradient||^2
    fall = cost([*problem.W, *problem.b]) - cost([*W, *b])
    assert fall == pytest.approx(1e-3 * slope, rel=1e-2)
