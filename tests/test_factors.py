"""The factors of the chain rule: put together by hand they are the gradient; a wrong rule's are kept as they are."""

import dataclasses
import itertools

import numpy as np
import pytest

from backprop import ChainRule, Network, backward, forward
from backprop.factors import backward_with_factors
from backprop.numeric import complex_step, cost_of_parameters

RNG = np.random.default_rng(5)
SIZES = (4, 3, 5, 2)


def problem(activations=("tanh", "sigmoid", "sigmoid"), cost="squared-error", rule=None):
    network = Network.from_names(activations, cost)
    if rule is not None:
        network = dataclasses.replace(network, rule=rule)
    W = [RNG.normal(size=shape) for shape in itertools.pairwise(SIZES)]
    b = [RNG.normal(size=n) for n in SIZES[1:]]
    x, y = RNG.normal(size=(6, 4)), RNG.uniform(size=(6, 2))
    z, a = forward(network, W, b, x)
    return network, W, b, z, a, y


@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
def test_put_together_by_hand_they_are_the_gradient(cost):
    """Every weight: the mean over the samples of dC/da_j * da_j/dz_j * dz_j/dw_jk, against a complex step."""
    network, W, b, z, a, y = problem(cost=cost)
    gradients = complex_step(cost_of_parameters(network, a[0], y), [*W, *b])
    dW, db = gradients[:3], gradients[3:]
    for l, f in enumerate(backward_with_factors(network, W, b, z, a, y)):
        for j in range(SIZES[l + 1]):
            for k in range(SIZES[l]):
                product = f.dC_da[:, j] * f.da_dz[:, j] * f.dz_dW[:, k]
                np.testing.assert_allclose(product.mean(), dW[l][k, j], rtol=1e-12)
            np.testing.assert_allclose((f.dC_da[:, j] * f.da_dz[:, j] * f.dz_db[:, 0]).mean(), db[l][j], rtol=1e-12)


def test_the_slope_of_a_hidden_unit_is_the_sum_over_its_paths():
    layers = backward_with_factors(*problem())
    for l in (0, 1):
        after = layers[l + 1]
        for k in range(SIZES[l + 1]):
            paths = sum(after.delta[:, j] * after.dz_da[k, j] for j in range(SIZES[l + 2]))
            np.testing.assert_allclose(layers[l].dC_da[:, k], paths, rtol=1e-12)
    assert layers[0].dz_da is None


def test_the_gradients_are_those_of_backward():
    network, *rest = problem()
    dW, db = backward(network, *rest)
    for l, f in enumerate(backward_with_factors(network, *rest)):
        np.testing.assert_array_equal(f.dW, dW[l])
        np.testing.assert_array_equal(f.db, db[l])


def test_a_wrong_rule_is_seen_as_it_is():
    """The misprint of the lecture, a of the same layer, where the sizes allow it; all else stays right."""
    wrong = ChainRule(unit_error=lambda p, l, dC_da, da_dz: dC_da)
    network, *rest = problem(rule=wrong)
    for f in backward_with_factors(network, *rest):
        np.testing.assert_array_equal(f.delta, f.dC_da)
        assert not np.allclose(f.delta, f.dC_da * f.da_dz)
