"""The command `grade.py`: what it prints, its exit status, and that it never loads TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import grade
from grading.sandbox import GraderFault

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")

ROOT = Path(__file__).parents[1]
RIGHT = ROOT / "tests" / "submissions" / "backprop.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "grade.py", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def edited(tmp_path, old, new):
    text = RIGHT.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = tmp_path / "my_backprop.py"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_a_right_submission_ends_with_0_and_100_points():
    done = run(RIGHT)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "100 of 100 points" in done.stdout
    assert done.stdout.count("correct") == 7


def test_a_wrong_one_ends_with_1_and_is_told_which_mistake_it_is(tmp_path):
    file = tmp_path / "my_backprop.py"
    file.write_text(
        RIGHT.read_text(encoding="utf-8")
        + "\n\ndef cost(a, y):\n    return 0.5 * np.mean(np.sum((a - y) ** 2, axis=1))\n"
    )
    done = run(file)
    assert done.returncode == 1
    assert "the cost is half of what the assignment states" in " ".join(done.stdout.split())
    assert "95 of 100 points" in done.stdout


def test_json_holds_everything_and_is_strict(tmp_path):
    file = tmp_path / "my_backprop.py"
    file.write_text(RIGHT.read_text(encoding="utf-8") + "\n\ndef cost(a, y):\n    return float('nan')\n")
    done = run("--json", "--seed", 5, file)
    report = json.loads(done.stdout, parse_constant=pytest.fail)
    assert report["seed"] == 5
    assert report["possible"] == 100
    assert report["earned"] == 90
    assert [q["function"] for q in report["questions"]][:2] == ["sigmoid", "sigmoid_prime"]
    cost = report["questions"][3]
    assert cost["verdict"] == "not finite"
    assert cost["probes"][0]["tensors"][0]["error"] is None
    assert "1 of 1 values are nan" in cost["probes"][0]["tensors"][0]["problem"]


def test_another_seed_changes_every_problem():
    errors = [
        [
            t["error"]
            for q in json.loads(run("--json", "--seed", seed, RIGHT).stdout)["questions"]
            for p in q["probes"]
            for t in p["tensors"]
        ]
        for seed in (0, 1, 0)
    ]
    assert errors[0] == errors[2]
    assert errors[0] != errors[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.py"], "nowhere.py was not found"),
        (["tests"], "tests is a folder"),
        (["README.md"], "neither a .py file nor an .ipynb notebook"),
        (["--assignment", "nowhere", "grade.py"], "nowhere does not exist"),
        (["--seed", "-1", "grade.py"], "--seed is -1; expected 0 or more"),
    ],
)
def test_bad_usage_ends_with_2_and_one_sentence(arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_fault_of_the_grader_ends_with_3_and_is_not_blamed_on_the_student(monkeypatch, capsys):
    def fails(*_):
        raise GraderFault("the fork server died")

    monkeypatch.setattr(grade, "grade", fails)
    assert grade.main([str(RIGHT)]) == 3
    assert "the grader failed, not the submission: the fork server died" in capsys.readouterr().err


def test_a_bug_of_the_grader_ends_with_3_too(monkeypatch, capsys):
    monkeypatch.setattr(grade, "grade", lambda *_: 1 / 0)
    assert grade.main([str(RIGHT)]) == 3
    assert "the grader failed, not the submission" in capsys.readouterr().err


def test_the_reader_may_go_away():
    done = subprocess.run(
        f"{sys.executable} grade.py {RIGHT} | head -c 1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_report_that_cannot_be_written_is_one_line(option):
    done = subprocess.run(
        f"{sys.executable} grade.py {option} {RIGHT} > /dev/full",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_a_closed_output_is_no_fault_of_the_submission():
    done = subprocess.run(
        f"{sys.executable} grade.py {RIGHT} >&-", shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
