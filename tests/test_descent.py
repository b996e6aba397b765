"""The loop of gradient descent: against steps worked one by one, and with each of its decisions replaced."""

import numpy as np
import pytest

from backprop.descent import Descent, train
from backprop.numeric import complex_step, cost_of_parameters
from tests.made import random_problem

BATCHES = [np.array([3, 0, 4]), np.array([1, 2]), np.array([4, 1, 2]), np.array([0, 3])]
RATE = 0.3


def steps_by_complex_step(problem, batches):
    """The same descent without any chain rule: each gradient from the cost alone, by complex steps."""
    parameters = [*problem.W, *problem.b]
    for batch in batches:
        cost = cost_of_parameters(problem.network, problem.x[batch], problem.y[batch])
        gradients = complex_step(cost, parameters)
        parameters = [value - RATE * gradient for value, gradient in zip(parameters, gradients, strict=True)]
    return parameters


def trained(problem, batches, **rules):
    W, b = train(problem.network, problem.W, problem.b, problem.x, problem.y, batches, RATE, Descent(**rules))
    return [*W, *b]


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_training_equals_steps_from_complex_differentiation(activation):
    problem = random_problem(sizes=(5, 4, 3, 2), batch_size=5, activation=activation)
    for actual, expected in zip(trained(problem, BATCHES), steps_by_complex_step(problem, BATCHES), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": lambda r: r.batches[1:]},
        {"samples": lambda r, batch: (r.x[batch], r.y[: len(batch)])},
        {"point": lambda r: r.parameters[0]},
        {"direction": lambda r: r.gradients[0]},
        {"rate": lambda r: r.learning_rate / len(r.gradients)},
        {"gradient": lambda r, W, b, x, y: (W, b)},
        {"step": lambda W, b, dW, db, rate: (W, b)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_each_decision_of_the_loop_can_be_replaced(wrong):
    problem = random_problem(sizes=(5, 4, 3, 2), batch_size=5)
    right, changed = trained(problem, BATCHES), trained(problem, BATCHES, **wrong)
    assert max(np.abs(u - v).max() for u, v in zip(right, changed, strict=True)) > 1e-3


def test_the_first_parameters_stay_and_no_batches_change_nothing():
    problem = random_problem(sizes=(5, 4, 3, 2), batch_size=5)
    before = [value.copy() for value in [*problem.W, *problem.b]]
    trained(problem, BATCHES)
    for value, copy in zip([*problem.W, *problem.b], before, strict=True):
        np.testing.assert_array_equal(value, copy)
    for value, same in zip(trained(problem, []), before, strict=True):
        np.testing.assert_array_equal(value, same)
