"""How a submission's layout is found; more in `test_grader.py`. Here: that it is not sought for ever."""

import sys

import pytest

from grading import reading
from grading.sandbox import Sandbox
from tests.corpus import SUBMISSIONS, graded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")


def test_what_takes_long_is_not_tried_again_and_again(monkeypatch):
    columns = (SUBMISSIONS / "correct" / "columns_throughout.py").read_text(encoding="utf-8")
    with Sandbox() as sandbox:
        assert graded(sandbox, columns, "backprop", 0).correct
        monkeypatch.setattr(reading, "SLOW_SECONDS", 0.0)
        report = graded(sandbox, columns, "backprop", 0)
    assert not report.correct
    assert report.remarks[-1].startswith("It was not tried in other layouts")
