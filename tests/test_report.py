"""The report for people: what is said, and what is not."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from grading.assignment import read_assignment
from grading.grader import grade_in
from grading.report import as_json, number, print_report
from grading.sandbox import Sandbox, Source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")

ROOT = Path(__file__).parents[1]
ASSIGNMENT = read_assignment(ROOT / "assignments" / "backprop")
PROGRAM = (ROOT / "tests" / "submissions" / "backprop.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def said(sandbox, text, width=100):
    report = grade_in(sandbox, Source("mine.py", text.encode(), False), ASSIGNMENT)
    out = io.StringIO()
    print_report(Console(file=out, width=width, highlight=False), report)
    return " ".join(out.getvalue().split()), report


def test_a_mistake_is_named_with_its_place_in_the_lecture_and_without_the_right_formula(sandbox):
    text, report = said(sandbox, PROGRAM.replace("2 * (activations[-1] - y)", "(activations[-1] - y)"))
    assert "First wrong: output bias: error 5.0e-01, tolerance 1e-10" in text
    assert "a gradient in which the factor 2 of the squared error's derivative is missing." in text
    assert "as done: dC/da = a - y" in text
    assert "differentiate the square" in text
    assert "2 (a - y)" not in text
    assert "2 (a - y)" not in json.dumps(as_json(report))
    assert "train 15 / 15 follows" in text
    assert "Nothing is taken off here." in text


def test_an_exception_is_told_with_its_line_and_the_students_frames_only(sandbox):
    text, _ = said(sandbox, PROGRAM + "\n\ndef cost(a, y):\n    return undefined_name\n")
    line = PROGRAM.count("\n") + 4
    assert f"Exception (line {line})" in text
    assert "undefined_name" in text
    assert "grading" not in text


def test_a_syntax_error_is_told_once(sandbox):
    text, report = said(sandbox, PROGRAM + "\ndef broken(:\n")
    assert text.count("could not be loaded") == 1
    assert "Syntax error (line" in text
    assert report.score.earned == 0


def test_a_missing_function_costs_its_own_points_only(sandbox):
    text, report = said(sandbox, PROGRAM.replace("def cost(", "def costs("))
    assert report.score.earned == 90
    assert "missing function" in text


def test_markup_and_escapes_in_a_students_text_are_shown_and_not_obeyed(sandbox):
    program = PROGRAM + "\n\ndef cost(a, y):\n    raise ValueError('[red]hello[/red] \\x1b[2J\\x07 end')\n"
    text, _ = said(sandbox, program)
    assert "[red]hello[/red]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_nothing_is_lost_in_a_narrow_terminal(sandbox):
    text, _ = said(sandbox, PROGRAM, width=80)
    for name in ("sigmoid_prime", "sgd_step", "20 / 20", "1e-10"):
        assert name in text


def test_points_have_no_needless_fraction():
    assert [number(points) for points in (5.0, 17.5, 4.375, 0.0, 100.0)] == ["5", "17.5", "4.38", "0", "100"]
