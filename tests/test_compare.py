"""The comparison: what it accepts, and what it does not."""

import numpy as np
import pytest

from backprop.compare import compare, norm, norms, relative_error, tolerance_for


def test_relative_error_by_hand():
    # ||(0, 0.5)|| / ||(3, 4)|| = 0.5 / 5
    assert relative_error(np.array([3.0, 4.5]), np.array([3.0, 4.0]), 1) == pytest.approx(0.1)
    # three steps at once, each by itself
    r = np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]])
    g = np.array([[3.0, 4.5], [0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_allclose(relative_error(g, r, 1), [0.1, 0.0, 2.0])


def test_zero_references():
    zero, one = np.zeros(3), np.ones(3)
    assert relative_error(zero, zero, 1) == 0
    assert relative_error(one, zero, 1) == np.inf
    assert relative_error(1e-9 * one, zero, 1, floor=1.0) == pytest.approx(1e-9 * np.sqrt(3))


def test_a_floor_does_not_hide_a_wrong_sign():
    r = np.array([3e-4, 4e-4])
    assert relative_error(-r, r, 1, floor=0.01) == pytest.approx(0.1)


def test_slack_is_for_the_entry_it_belongs_to():
    r = np.array([3.0, 4.0])
    assert relative_error(np.array([3.5, 4.0]), r, 1, slack=np.array([0.5, 0.0])) == 0
    assert relative_error(np.array([3.5, 4.0]), r, 1, slack=np.array([0.0, 0.5])) == pytest.approx(0.1)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_no_square_underflows_or_overflows(size):
    r = size * np.array([3.0, 4.0])
    assert norm(r, 1) == pytest.approx(5 * size)
    assert relative_error(2 * r, r, 1) == pytest.approx(1.0)
    [report] = compare(["w"], [-r], [r], tolerance=1e-12)
    assert (report.cosine, report.norm_ratio) == (pytest.approx(-1), pytest.approx(1))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_does_not_agree(bad):
    [report] = compare(["w"], [np.array([1.0, bad])], [np.array([1.0, 2.0])], tolerance=1e-5)
    assert not report.agrees


def test_tiny_gradients_do_not_vanish_in_their_squares():
    r = np.full(10, 1e-30, dtype=np.float32)  # the square, 1e-60, is 0 in float32
    assert norm(r, 1) > 0
    assert relative_error(2 * r, r, 1) == pytest.approx(1.0)


def test_shapes_must_be_the_same_and_all_mismatches_are_told_at_once():
    names = ["hidden_1 kernel", "hidden_1 bias"]
    with pytest.raises(ValueError, match="transpose") as caught:
        compare(names, [np.zeros((16, 784)), np.zeros((1, 16))], [np.zeros((784, 16)), np.zeros(16)], 1e-5)
    first, second = str(caught.value).splitlines()
    assert first.startswith(
        "hidden_1 kernel gradient has shape (16, 784); expected (784, 16). Kernels are (inputs, outpu"
    )
    assert first.endswith("transpose it.")
    assert second == "hidden_1 bias gradient has shape (1, 16); expected (16,)."
    with pytest.raises(ValueError, match="expected"):
        relative_error(np.zeros((3, 1)), np.zeros((3, 3)), 1)


def test_report_tells_direction_and_length():
    r = np.array([[1.0, 2.0], [2.0, 4.0]])
    half, opposite, right = compare(["half", "opposite", "right"], [r / 2, -r, r + 0], [r, r, r], tolerance=1e-12)
    assert (half.agrees, opposite.agrees, right.agrees) == (False, False, True)
    assert (half.norm_ratio, half.cosine) == (pytest.approx(0.5), pytest.approx(1.0))
    assert (opposite.norm_ratio, opposite.cosine) == (pytest.approx(1.0), pytest.approx(-1.0))
    assert str(opposite) == "opposite: error 2, tolerance 1e-12, cosine -1.000000, ratio of norms 1"


def test_tolerances():
    assert tolerance_for(np.dtype("float32")) == 1e-5
    assert tolerance_for(np.dtype("float64")) == 1e-12
    with pytest.raises(ValueError, match="float16; expected one of: float32, float64"):
        tolerance_for(np.dtype("float16"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_of_all_sizes_at_once(dtype):
    """Rows whose squares are ordinary, zero, too small, too large, and not finite, side by side."""
    largest, smallest = float(np.finfo(dtype).max) / 8, float(np.finfo(dtype).tiny)
    rows = np.array([[3, 4], [0, 0], [3 * smallest, 4 * smallest], [3 * largest, 4 * largest], [1, np.inf]], dtype)
    expected = [5, 0, 5 * smallest, 5 * largest, np.inf]
    np.testing.assert_allclose(norms([rows, -rows, rows[:, ::-1]]), [expected] * 3, rtol=1e-6)
    assert np.isnan(norms([np.array([[1, np.nan], [3, 4]], dtype)])[0]).tolist() == [True, False]


def test_norms_against_exact_sums():
    import math

    tensors = [np.random.default_rng(i).normal(size=(3, 40 + i, 7)).astype("float32") for i in range(3)]
    exact = [[math.sqrt(math.fsum(float(v) ** 2 for v in step.ravel())) for step in t] for t in tensors]
    np.testing.assert_allclose(norms(tensors), exact, rtol=1e-6)
