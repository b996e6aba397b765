"""Translating between the manual module's layout and a student's."""

import numpy as np
import pytest

from grading.layout import FORMS, Form, from_form, to_form

RNG = np.random.default_rng(0)
QUANTITIES = {
    "kernels": [RNG.normal(size=(3, 2)), RNG.normal(size=(2, 4))],
    "biases": [RNG.normal(size=2), RNG.normal(size=4)],
    "x": RNG.normal(size=(5, 3)),
    "zs": [RNG.normal(size=(5, 2)), RNG.normal(size=(5, 4))],
    "learning_rate": 0.3,
    "batches": [np.array([3, 1]), np.array([0])],
}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_there_and_back_is_the_same(form):
    for name, value in QUANTITIES.items():
        back = from_form(name, to_form(name, value, form), form)
        pairs = zip(back, value, strict=True) if isinstance(value, list) else [(back, value)]
        for u, v in pairs:
            np.testing.assert_array_equal(u, v)


def test_the_lectures_layout_is_the_transpose():
    notes = Form(True, True, True)
    assert [W.shape for W in to_form("kernels", QUANTITIES["kernels"], notes)] == [(2, 3), (4, 2)]
    assert [b.shape for b in to_form("biases", QUANTITIES["biases"], notes)] == [(2, 1), (4, 1)]
    assert to_form("x", QUANTITIES["x"], notes).shape == (3, 5)
    assert to_form("batches", QUANTITIES["batches"], notes)[0].shape == (2,)


def test_what_is_handed_out_is_contiguous_and_a_copy():
    for form in FORMS:
        given = to_form("x", QUANTITIES["x"], form)
        assert given.flags.c_contiguous
        assert not np.shares_memory(given, QUANTITIES["x"])


def test_differences_have_the_names_of_the_dialects():
    assert Form(True, False, True).differences(Form()) == ["transposed_kernels", "column_biases"]
    assert Form().differences(Form()) == []
