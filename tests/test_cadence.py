"""Which steps and epochs are logged, in short runs and in very long ones."""

import numpy as np
import pytest

from callbacks.cadence import Cadence

LECTURE_STEP = 217_000  # bytes


def of_run(num_steps, num_epochs=10, every=10, check_every=1, bytes_of_step=LECTURE_STEP):
    return Cadence.of_run(num_steps, num_epochs, every, check_every, bytes_of_step)


def test_a_short_run_logs_the_first_ten_steps_and_every_tenth():
    cadence, steps = of_run(132), np.arange(132)
    assert steps[cadence.logged(steps)].tolist() == [*range(10), *range(10, 132, 10)]
    assert steps[cadence.with_histograms(steps)].tolist() == [0, 100]
    assert cadence.kept == {*range(10), *range(10, 132, 10)}
    assert cadence.pictured_epochs == {0, 1, 3, 5, 9}


@pytest.mark.parametrize("num_steps", [1, 9, 18_750, 10**6, 2 * 10**9])
def test_no_run_logs_too_much(num_steps):
    cadence = of_run(num_steps, num_epochs=min(num_steps, 10**5))
    assert num_steps / cadence.every <= 500 or cadence.every == 10
    assert cadence.every % 10 == 0
    assert 1 <= len(cadence.kept) <= 64
    assert len(cadence.kept) * LECTURE_STEP <= 16 * 2**20
    assert len(cadence.pictured_epochs) <= 5
    assert cadence.logged(np.array(sorted(cadence.kept))).all()
    assert {0, min(num_steps, 10**5) - 1} <= cadence.pictured_epochs


def test_the_last_logged_step_is_kept():
    assert max(of_run(18_750).kept) == 18_720  # of every fortieth


@pytest.mark.parametrize(("check_every", "kept"), [(0, set()), (4, {0, 4, 8, 20, 40}), (1000, {0})])
def test_only_checked_steps_are_kept(check_every, kept):
    assert of_run(50, check_every=check_every).kept == kept


def test_large_steps_are_kept_sparingly_and_huge_ones_not_at_all():
    assert len(of_run(18_750, bytes_of_step=14 * 2**20).kept) == 4
    assert of_run(18_750, bytes_of_step=400 * 2**20).kept == set()
