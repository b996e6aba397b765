"""The complex step is exact to rounding, central differences are not: both against derivatives known in closed form."""

import numpy as np
import pytest

from backprop.numeric import central_differences, complex_step, cost_of_parameters
from tests.made import random_problem


def cost(parameters):
    """sum of e^w sin v, whose derivatives are e^w sin v and e^w cos v."""
    w, v = parameters
    return (np.exp(w) * np.sin(v)).sum()


@pytest.fixture
def parameters():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 2)), rng.normal(size=(3, 2))]


def test_complex_step_is_exact_to_rounding(parameters):
    w, v = parameters
    dw, dv = complex_step(cost, parameters)
    np.testing.assert_allclose(dw, np.exp(w) * np.sin(v), rtol=1e-14)
    np.testing.assert_allclose(dv, np.exp(w) * np.cos(v), rtol=1e-14)


@pytest.mark.parametrize("h", [1e-3, 1e-5, 1e-9])
def test_central_differences_are_worse_at_any_step(parameters, h):
    exact = complex_step(cost, parameters)
    error = max(np.abs(c - e).max() for c, e in zip(central_differences(cost, parameters, h), exact, strict=True))
    assert 1e-13 < error < 1e-5


def test_parameters_are_left_as_they_were(parameters):
    before = [p.copy() for p in parameters]
    complex_step(cost, parameters)
    central_differences(cost, parameters)
    for p, q in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(p, q)


def test_central_differences_agree_with_the_complex_step_on_a_network():
    problem = random_problem()
    c = cost_of_parameters(problem.network, problem.x, problem.y)
    parameters = [*problem.W, *problem.b]
    for central, exact in zip(central_differences(c, parameters), complex_step(c, parameters), strict=True):
        assert np.linalg.norm(central - exact) / np.linalg.norm(exact) < 1e-7
