"""The record of some steps: what it tells about parameters and places."""

import numpy as np
import pytest

from callbacks.record import GradientRecord, as_slice


def record(num_steps=4):
    kernel = np.arange(2.0 * num_steps).reshape(num_steps, 2)
    return GradientRecord(
        epoch=0,
        first_step=0,
        num_steps_per_epoch=num_steps,
        names=("kernel",),
        indices=np.zeros((num_steps, 1), np.int32),
        costs=np.zeros(num_steps),
        num_correct=np.zeros(num_steps, np.int32),
        learning_rates=np.ones(num_steps),
        parameters=(kernel,),
        final_parameters=(np.array([-1.0, -2.0]),),
        gradients=(kernel,),
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([0], [[2, 3]]),
        ([3], [[-1, -2]]),
        ([0, 2], [[2, 3], [6, 7]]),
        ([1, 3], [[4, 5], [-1, -2]]),
        ([0, 1, 2, 3], [[2, 3], [4, 5], [6, 7], [-1, -2]]),
        ([], np.zeros((0, 2))),
    ],
)
def test_parameters_after_steps_are_those_before_the_next_or_the_final_ones(steps, expected):
    steps = np.array(steps, dtype=np.int64)
    for index in (steps, as_slice(steps)):
        np.testing.assert_array_equal(record().parameter_after(0, index), expected)


def test_indices_in_equal_strides_become_a_slice_that_means_the_same():
    everything = np.arange(30)
    for indices in ([4], [0, 1, 2], [3, 13, 23], [0, 29]):
        assert isinstance(as_slice(np.array(indices)), slice)
        np.testing.assert_array_equal(everything[as_slice(np.array(indices))], indices)


def test_other_indices_stay_what_they_are():
    for indices in ([], [3, 2, 1], [1, 1], [0, 1, 10]):
        assert as_slice(np.array(indices, dtype=int)) is not None
        assert not isinstance(as_slice(np.array(indices, dtype=int)), slice)
