"""Real submissions through the real sandbox: mistakes are named, right programs earn everything, wrong ones never do.

With GRADING_SEEDS=20 in the environment each submission is graded with 20 seeds instead of one.
"""

import os
import sys

import pytest

from grading.mistakes import BEHAVIOUR, CATALOGUE
from grading.sandbox import Sandbox
from tests.corpus import (
    BASES,
    CORRECT,
    MISTAKES,
    UNKNOWN,
    declared,
    entry_of,
    graded,
    graded_file,
    graded_mistake,
    is_named,
    named,
    with_edits,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")

SEEDS = range(int(os.environ.get("GRADING_SEEDS", "1")))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def test_every_entry_of_the_catalogue_has_a_submission():
    assert {entry_of(name) for name in MISTAKES} == {mistake.name for mistake in [*CATALOGUE, *BEHAVIOUR]}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_known_mistake_is_detected_and_named(sandbox, name, seed):
    report, finding = graded_mistake(sandbox, name, seed)
    assert not report.correct
    assert is_named(name, finding), (named(finding), finding.description)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BASES)
def test_the_programs_that_the_edits_start_from_are_right(sandbox, name, seed):
    report = graded(sandbox, with_edits(name, []), name, seed)
    assert report.correct
    assert not report.remarks


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.name)
def test_a_right_program_earns_everything_however_it_is_written(sandbox, path, seed):
    report = graded_file(sandbox, path, seed)
    assert report.correct, [(f.question.function, f.verdict, f.failure, named(f)) for f in report.findings]
    assert (declared(path, "remark") == "layout") == any(r.startswith("Written with") for r in report.remarks)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", UNKNOWN, ids=lambda path: path.name)
def test_a_wrong_program_that_no_entry_describes_never_earns_everything(sandbox, path, seed):
    report = graded_file(sandbox, path, seed)
    assert not report.correct
    wrong = [finding for finding in report.findings if finding.verdict not in ("correct", "follows")]
    assert wrong
    assert all(finding.description or finding.failure or named(finding) for finding in wrong)
