"""The estimate of rounding: large enough for every correct float32 gradient, small enough to hide no fault."""

import numpy as np
import pytest

from backprop.network import backward, forward
from backprop.rounding import rounding_errors
from tests.made import random_problem


def float32_errors_over_estimates(problem):
    """For each tensor: norm of the true error of the float32 gradient over the norm of the estimate."""
    problem = problem.astype(np.float32)
    dW, db = problem.manual_gradients()
    exact = problem.astype(np.float64)
    z, a = forward(exact.network, exact.W, exact.b, exact.x)
    exact_dW, exact_db = backward(exact.network, exact.W, exact.b, z, a, exact.y)
    rounding = rounding_errors(exact.network, exact.W, exact.b, z, a, exact.y, np.float32)
    ratios, relative = [], []
    errors, kinks = [*rounding.dW, *rounding.db], [*rounding.dW_kinks, *rounding.db_kinks]
    for g, r, e, kink in zip([*dW, *db], [*exact_dW, *exact_db], errors, kinks, strict=True):
        assert e.shape == kink.shape == r.shape
        assert (e >= 0).all()
        assert (kink >= 0).all()
        difference = np.maximum(np.abs(g.astype(np.float64) - r) - kink, 0)
        error, estimate = np.linalg.norm(difference), np.linalg.norm(e)
        ratios.append(error / estimate if estimate > 0 else (0.0 if error == 0 else np.inf))
        relative.append(estimate / np.linalg.norm(r) if np.linalg.norm(r) > 0 else 0.0)
    return ratios, relative


KINDS = [
    ("sigmoid", "squared-error"),
    ("tanh", "squared-error"),
    ("relu", "cross-entropy"),
    ("sigmoid", "cross-entropy"),
]


@pytest.mark.parametrize(("activation", "cost"), KINDS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 100.0])  # linear, usual, saturated, hardly a gradient left
@pytest.mark.parametrize(
    ("sizes", "batch_size"),
    [((7, 5, 4, 3), 1), ((200, 30, 10), 16), ((6,) * 9, 16), ((20, 1, 20, 3), 4), ((9, 9), 2000)],
)
def test_the_estimate_is_never_exceeded(activation, cost, scale, sizes, batch_size):
    for seed in range(10):
        problem = random_problem(sizes, batch_size, activation, cost, seed=seed, scale=scale)
        ratios, _ = float32_errors_over_estimates(problem)
        assert max(ratios) < 1


@pytest.mark.parametrize(("activation", "cost"), KINDS)
def test_the_estimate_is_small_beside_an_ordinary_gradient(activation, cost):
    """The twin: an estimate that allowed everything would pass the test above."""
    for seed in range(10):
        _, relative = float32_errors_over_estimates(random_problem((200, 30, 10), 16, activation, cost, seed=seed))
        assert max(relative) < 1e-3


def test_a_relu_at_its_kink_may_be_on_or_off_and_excuses_no_other_unit():
    """z = 0.1 * 1 - 0.1 * 1 is zero, or not, by the order of rounding: unit 0's slope is in doubt, unit 1's is not."""
    problem = random_problem((2, 2, 1), 1, "relu", seed=0, output_activation="linear")
    problem.W[0][:] = [[0.1, 1.0], [-0.1, 1.0]]
    problem.b[0][:] = 0.0
    problem.x[:] = 1.0
    z, a = forward(problem.network, problem.W, problem.b, problem.x)
    assert z[0][0, 0] == 0
    rounding = rounding_errors(problem.network, problem.W, problem.b, z, a, problem.y, np.float32)
    dC_da = 2 * (a[-1] - problem.y) * problem.W[1][:, 0]  # (1, 2)
    np.testing.assert_allclose(rounding.dW_kinks[0], [[abs(dC_da[0, 0]), 0]] * 2)
    np.testing.assert_allclose(rounding.db_kinks[0], [abs(dC_da[0, 0]), 0])
    assert rounding.dW[0].max() < 1e-4


def test_only_activations_with_a_kink_have_kinks():
    problem = random_problem((7, 5, 4, 3), 11, "tanh", scale=10.0)
    z, a = forward(problem.network, problem.W, problem.b, problem.x)
    rounding = rounding_errors(problem.network, problem.W, problem.b, z, a, problem.y, np.float32)
    assert not any(kink.any() for kink in [*rounding.dW_kinks, *rounding.db_kinks])
