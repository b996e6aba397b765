"""Grading whole submissions: layouts, what follows from what, experiments, and what the report says of each."""

import io
import re
import sys

import numpy as np
import pytest
from rich.console import Console

from grading.report import print_report
from grading.sandbox import Sandbox
from tests.corpus import SUBMISSIONS, graded, named, with_edits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")

PROGRAM = with_edits("backprop", [])
COLUMNS = (SUBMISSIONS / "correct" / "columns_throughout.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def earned(report):
    return {
        finding.question.function: points.points
        for finding, points in zip(report.findings, report.score.questions, strict=True)
    }


def said(report):
    out = io.StringIO()
    print_report(Console(file=out, width=200, highlight=False), report)
    return " ".join(out.getvalue().split())


def finding_of(report, function):
    return next(finding for finding in report.findings if finding.question.function == function)


def changed(text, *edits):
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


# --- what follows from what -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "lost"),
    [
        ([["    return s * (1 - s)", "    s * (1 - s)"]], {"sigmoid_prime": 5}),  # None
        ([["    return s * (1 - s)", "    return s * (1 + s)"]], {"sigmoid_prime": 5}),  # in no catalogue
        ([["    return s * (1 - s)", "    raise NotImplementedError"]], {"sigmoid_prime": 5}),
        ([["    e = np.exp(-np.abs(z))", "    e = np.exp(-np.abs(z) * 1.1)"]], {"sigmoid": 5, "sigmoid_prime": 5}),
        ([["def forward(", "def forward_pass("]], {"forward": 20}),
    ],
)
def test_nobody_pays_for_a_function_that_is_called_by_another(sandbox, edits, lost):
    report = graded(sandbox, changed(PROGRAM, *edits), "backprop", 0)
    points = earned(report)
    full = {finding.question.function: finding.question.points for finding in report.findings}
    actual = {name: full[name] - points[name] for name in points if points[name] != full[name]}
    assert actual == lost or actual == {name: lost[name] for name in list(lost)[:1]}


def test_a_mistake_of_its_own_is_found_behind_anothers(sandbox):
    text = changed(
        PROGRAM,
        ["    return s * (1 - s)", "    return s * (1 + s)"],
        ["2 * (activations[-1] - y)", "(activations[-1] - y)"],
    )
    report = graded(sandbox, text, "backprop", 0)
    assert named(finding_of(report, "backward")) == {"factor-2-missing"}
    assert finding_of(report, "backward").follows_from == ("sigmoid_prime",)
    assert earned(report)["backward"] == 17.5
    assert "this remains" in said(report)


def test_stand_ins_are_right_in_every_layout_and_for_every_assignment(sandbox):
    """Each function broken in turn: all that call it keep their points."""
    for name, text in (("backprop", PROGRAM), ("backprop", COLUMNS), ("softmax", with_edits("softmax", []))):
        for function in re.findall(r"^def (\w+)\(", text, re.M):
            broken = text + f"\n\ndef {function}(*_):\n    raise RuntimeError\n"
            report = graded(sandbox, broken, name, 0)
            wrong = {f.question.function for f in report.findings} - {
                f.question.function for f in report.findings if f.trial.right or f.follows_from
            }
            assert wrong <= {function}, (name, function, wrong)


def test_a_function_gets_no_stand_in_for_itself_nor_for_what_builds_on_it(sandbox):
    """`backward` made of a `train` that is broken on purpose: no right one is handed out for it."""
    text = PROGRAM + (
        "\n\ndef train(*_):\n    raise RuntimeError\n"
        "\n\ndef backward(kernels, biases, zs, activations, y):\n"
        "    moved, _ = train(kernels, biases, activations[0], y, [np.arange(len(y))], 1.0)\n"
        "    return [w - v for w, v in zip(kernels, moved)], [0 * b for b in biases]\n"
    )
    assert earned(graded(sandbox, text, "backprop", 0))["backward"] == 0


# --- layouts ----------------------------------------------------------------------------------------------------


def test_another_layout_is_recognised_also_where_one_function_is_not_written(sandbox):
    text = COLUMNS + "\n\ndef forward(kernels, biases, x):\n    raise NotImplementedError\n"
    report = graded(sandbox, text, "backprop", 0)
    assert report.remarks[-1].startswith("Written with samples in columns")
    assert {name for name, points in earned(report).items() if not points} == {"forward"}


def test_a_layout_that_the_assignment_rejects_is_charged_once_and_told(sandbox):
    dialects = dict.fromkeys(("transposed_kernels", "samples_in_columns", "column_biases"), "reject")
    report = graded(sandbox, COLUMNS, "backprop", 0, dialects=dialects)
    assert earned(report)["forward"] == 10
    assert report.score.earned == 90
    assert not report.correct
    assert "does not accept another" in said(report)


def test_layouts_that_are_mixed_are_not_accepted_and_told(sandbox):
    body = COLUMNS[COLUMNS.index("def backward(") : COLUMNS.index("def sgd_step(")]
    report = graded(sandbox, f"{PROGRAM}\n\n{body}", "backprop", 0)
    assert earned(report)["forward"] == 20
    assert earned(report)["backward"] < 35
    assert "Layouts are mixed: backward would be right with samples in columns" in said(report)


# --- what is described where nothing explains it -----------------------------------------------------------------


def test_the_first_wrong_step_and_the_rates_that_were_used_are_told(sandbox):
    text = changed(PROGRAM, ["    for batch in batches:", "    for n, batch in enumerate(batches):"]).replace(
        "dws, dbs, learning_rate)\n    return", "dws, dbs, learning_rate / (n + 1) ** 0.5)\n    return"
    )
    report = graded(sandbox, text, "backprop", 0)
    told = said(report)
    assert "Up to batch 1 the result is right; with batch 2, of size 4, not." in told
    rates = [float(rate) for rate in re.search(r"learning rates ([\d., ]+);", told)[1].split(",")]
    np.testing.assert_allclose(np.array(rates) / rates[0], np.arange(1, 7) ** -0.5, rtol=1e-3)


@pytest.mark.parametrize(
    ("new", "order", "twice"),
    [
        ("activations[l].T @ delta / m * (1 + delta[0, 0])", True, False),  # the first sample is special
        ("activations[l].T @ delta / m * (1 + 0.1 * m)", False, True),  # the number of samples matters
        ("activations[l].T @ delta / m * 1.37", False, False),
    ],
)
def test_what_must_not_change_a_mean_is_tried(sandbox, new, order, twice):
    report = graded(sandbox, changed(PROGRAM, ["activations[l].T @ delta / m", new]), "backprop", 0)
    told = " ".join(finding_of(report, "backward").description)
    assert ("order of the samples" in told) == order
    assert ("given twice" in told) == twice


def test_a_function_for_three_layers_only_is_told_so(sandbox):
    text = changed(PROGRAM, ["    num_layers = len(kernels)", "    num_layers, (_, _, _) = 3, kernels"])
    report = graded(sandbox, text, "backprop", 0)
    assert "It works for networks of 3 layers; any number of layers is asked." in said(report)
    assert 0 < earned(report)["backward"] <= 17.5


# --- points and what is accepted ---------------------------------------------------------------------------------


def test_an_answer_without_content_earns_nothing(sandbox):
    text = PROGRAM + (
        "\n\ndef sgd_step(kernels, biases, *_):\n    return list(kernels), list(biases)\n"
        "\n\ndef train(kernels, biases, *_):\n    return list(kernels), list(biases)\n"
        "\n\ndef backward(kernels, biases, *_):\n    return [0 * w for w in kernels], [0 * b for b in biases]\n"
    )
    points = earned(graded(sandbox, text, "backprop", 0))
    assert (points["sgd_step"], points["train"], points["backward"]) == (0, 0, 0)


def test_an_own_shuffle_costs_half_and_no_more(sandbox):
    shuffled = "    order = np.random.permutation(len(x))\n    for batch in [order[rows] for rows in batches]:"
    text = changed(PROGRAM, ["    for batch in batches:", shuffled])
    report = graded(sandbox, text, "backprop", 0)
    assert named(finding_of(report, "train")) == {"own-shuffle"}
    assert earned(report)["train"] == 7.5


def test_float32_inside_is_accepted_with_a_note_and_a_formula_that_is_slightly_off_is_not(sandbox):
    inside = changed(
        PROGRAM,
        ["        z = activations[-1] @ w + b", "        z = (activations[-1] @ w + b).astype('f4').astype('f8')"],
    )
    report = graded(sandbox, inside, "backprop", 0)
    assert report.correct
    assert "as exact as single precision" in said(report)
    for factor in ("(1 + 4e-7)", "(1 + 4e-7 * (m == 5))", "(1 + 4e-7 * (len(kernels[0]) == 784))"):
        off = changed(PROGRAM, ["activations[l].T @ delta / m", f"activations[l].T @ delta / m * {factor}"])
        assert not graded(sandbox, off, "backprop", 0).correct, factor


def test_what_a_submission_printed_is_shown_where_it_fails_apart_from_the_traceback(sandbox):
    text = PROGRAM + "\n\ndef cost(a, y):\n    print('so far', end='')\n    raise ValueError('no')\n"
    told = said(graded(sandbox, text, "backprop", 0))
    assert "raise ValueError('no') It printed, at the end: so far" in told


def test_a_huge_array_is_no_burden(sandbox):
    text = PROGRAM + "\n\ndef cost(a, y):\n    return np.broadcast_to(1.0, (2000, 2000))\n"
    assert "far larger than anything" in said(graded(sandbox, text, "backprop", 0))


def test_points_that_are_no_round_numbers_add_up(sandbox):
    questions = [
        {"function": name, "computes": kind, "points": 33.3}
        for name, kind in (("sigmoid", "activation"), ("cost", "cost"), ("forward", "forward"))
    ]
    assert graded(sandbox, PROGRAM, "backprop", 0, questions=questions).correct


def test_a_wrong_answer_to_a_question_without_points_is_not_correct(sandbox):
    questions = [
        {"function": "sigmoid", "computes": "activation", "points": 1},
        {"function": "cost", "computes": "cost", "points": 0},
    ]
    text = PROGRAM + "\n\ndef cost(a, y):\n    return 1.0\n"
    assert not graded(sandbox, text, "backprop", 0, questions=questions).correct
