"""The problems that submissions are tried on: what they must be like, so that nothing hides."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from backprop.network import backward, forward
from grading.assignment import ARGUMENTS, read_assignment
from grading.probes import KINK, SIZES_A, draw, probes_for

ASSIGNMENTS = {
    folder.name: read_assignment(folder)
    for folder in (Path(__file__).parents[1] / "assignments").iterdir()
    if folder.is_dir()
}
KINDS = list(ARGUMENTS)


@pytest.mark.parametrize(
    ("name", "computes"),
    [(name, kind) for name in ASSIGNMENTS for kind in KINDS if (name, kind) != ("network-class", "train")],
)
def test_the_same_seed_gives_the_same_problems_and_another_changes_every_number(name, computes):
    first, again, other = (probes_for(ASSIGNMENTS[name], computes, seed) for seed in (3, 3, 4))
    for p, q, r in zip(first, again, other, strict=True):
        for u, v, w in zip([*p.W, *p.b, p.x], [*q.W, *q.b, q.x], [*r.W, *r.b, r.x], strict=True):
            np.testing.assert_array_equal(u, v)
            assert not np.any(u == w)


def test_no_two_kinds_of_question_share_a_problem():
    firsts = [probes_for(ASSIGNMENTS["backprop"], computes, 0)[0].W[0].flat[0] for computes in KINDS]
    assert len(set(firsts)) == len(KINDS)


def test_every_factor_that_a_mistake_can_bring_in_is_another_number():
    """2, the batch size, the widths, and every quotient of two of them: else one mistake looks like another."""
    factors = {11, *SIZES_A}
    assert len(factors) == 1 + len(SIZES_A)
    ratios = [u / v for u, v in itertools.permutations([2, 11, *SIZES_A], 2)]
    assert len(set(ratios)) == len(ratios)
    loop = probes_for(ASSIGNMENTS["backprop"], "train", 0)[0]
    numbers = {len(loop.x), *map(len, loop.batches), len(loop.batches), loop.learning_rate, 1}
    assert len(numbers) == 6


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_biases_are_never_zero_inputs_have_both_signs_and_targets_are_soft(name):
    for probe in probes_for(ASSIGNMENTS[name], "backward", 0):
        assert all(np.all(b != 0) for b in probe.b)
        assert np.all((probe.y > 0) & (probe.y < 1))
        if probe.sizes[0] < 100 and probe.x.size > 20:
            assert probe.x.min() < 0 < probe.x.max()


@pytest.mark.parametrize("seed", range(20))
def test_no_relu_stands_at_its_kink_and_no_layer_is_dead(seed):
    for probe in probes_for(ASSIGNMENTS["softmax"], "backward", seed):
        z, a = forward(probe.network, probe.W, probe.b, probe.x)
        assert all(np.abs(z_l).min() > KINK for z_l in z[:-1])
        dW, db = backward(probe.network, probe.W, probe.b, z, a, probe.y)
        assert all(np.any(gradient) for gradient in [*dW, *db])


def test_a_draw_near_a_kink_is_made_again():
    class Scripted:
        """A generator whose first kernels and biases are zero: every z is 0 then."""

        def __init__(self):
            self.rng, self.calls = np.random.default_rng(0), 0

        def normal(self, size):
            self.calls += 1
            return np.zeros(size) if self.calls <= 6 else self.rng.normal(size=size)

        def uniform(self, *bounds, size=None):
            return self.rng.uniform(*bounds, size=size)

    probe = draw(ASSIGNMENTS["softmax"], SIZES_A, 11, Scripted())
    assert np.all(probe.W[0] != 0)


def test_the_loop_has_two_epochs_of_unequal_batches_each_in_an_order_of_its_own():
    probe = probes_for(ASSIGNMENTS["backprop"], "train", 0)[0]
    assert [len(batch) for batch in probe.batches] == [4, 4, 3, 4, 4, 3]
    first, second = np.concatenate(probe.batches[:3]), np.concatenate(probe.batches[3:])
    assert sorted(first) == sorted(second) == list(range(11))
    assert list(first) != list(second)


def test_the_lectures_network_is_among_the_problems():
    for computes in ("forward", "cost", "backward", "train"):
        assert any(probe.sizes == (784, 16, 16, 10) for probe in probes_for(ASSIGNMENTS["backprop"], computes, 0))
