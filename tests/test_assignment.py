"""Assignments: the three that come with the project, and what is said of wrong ones."""

import random
import tomllib
from pathlib import Path

import pytest

from grading.assignment import AssignmentError, Question, parse_assignment, read_assignment

FOLDERS = sorted(p.parent for p in (Path(__file__).parents[1] / "assignments").glob("*/assignment.toml"))
DEFAULT = FOLDERS[0].parent / "backprop" / "assignment.toml"


def table():
    return tomllib.loads(DEFAULT.read_text(encoding="utf-8"))


def complaint(data):
    with pytest.raises(AssignmentError) as caught:
        parse_assignment(data, "a.toml")
    return str(caught.value)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_assignment_is_valid_and_worth_100_points(folder):
    assignment = read_assignment(folder)
    assert assignment.points == 100
    starter, sheet = (folder / "starter.py").read_text(), (folder / "README.md").read_text()
    for question in assignment.questions:
        name = question.function.rpartition(".")[2]
        assert f"def {name}(" in starter
        assert question.function in sheet
    assert "python grade.py" in sheet


def test_defaults_are_filled_in_by_the_kind_of_question():
    question = Question(function="f", computes="backward", points=1)
    assert question.arguments == ("kernels", "biases", "zs", "activations", "y")
    assert question.returns == ("kernel_gradients", "bias_gradients")
    assert not question.own_forward
    assert Question(function="f", computes="backward", points=1, arguments=["x", "y"]).own_forward


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.update(layout="kears"), "layout is 'kears'; expected 'keras' or 'notes'. Did you mean 'keras'?"),
        (lambda t: t.update(layuot="keras"), "layuot: key is 'layuot'; expected one of: title, layout,"),
        (lambda t: t.pop("title"), "title is missing."),
        (lambda t: t.update(title=3), "title is 3; expected a valid string."),
        (lambda t: t.update(cost="cross-entropy"), "softmax and cross-entropy go together"),
        (lambda t: t["questions"][0].update(points="five"), "questions.1.points is 'five'; expected a valid number"),
        (
            lambda t: t["questions"][0].update(points=-1),
            "questions.1.points is -1; expected at least 0",
        ),
        (lambda t: t["questions"][3].update(function="1st"), "questions.4.function is '1st'"),
        (lambda t: t["questions"][2].update(computes="forwrd"), "Did you mean 'forward'?"),
        (lambda t: t["questions"][2].update(pionts=3), "Did you mean 'points'?"),
        (lambda t: t["questions"][4].update(returns=["kernel_gradient"]), "Did you mean 'kernel_gradients'?"),
        (lambda t: t["questions"][4].update(returns=[]), "returns: nothing; expected at least one of"),
        (lambda t: t["questions"][4].update(arguments=["y", "y"]), "names something twice"),
        (lambda t: t["questions"][1].update(function="sigmoid"), "function 'sigmoid' is asked for twice"),
        (lambda t: t["questions"][1].update(function="Net.f"), "is a method of 'Net', but there is no [class]"),
        (lambda t: t.update(questions=[]), "questions is []; expected at least 1 item"),
        (lambda t: t.update(questions=3), "questions is 3"),
        (lambda t: [q.update(points=0) for q in t["questions"]], "no question has points"),
        (lambda t: t["scoring"].update(mistake_costs=2), "scoring.mistake_costs is 2"),
        (lambda t: t["dialects"].update(column_biases="maybe"), "dialects.column_biases is 'maybe'"),
        (lambda t: t["limits"].update(memory_mebibytes=1), "limits.memory_mebibytes is 1"),
        (lambda t: t.update(samples="one"), 'cannot be asked with samples = "one"'),
    ],
)
def test_what_is_wrong_is_named_with_its_key(change, sentence):
    data = table()
    change(data)
    assert sentence in complaint(data)


def test_all_that_is_wrong_is_told_at_once():
    data = table()
    data["layout"], data["limits"]["cpu_seconds"], data["questions"][0]["points"] = "rows", "long", None
    message = complaint(data)
    assert all(key in message for key in ("layout is", "limits.cpu_seconds is", "questions.1.points is"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "does not exist"), (b"\xff\xfe", "not text in UTF-8"), (b"a = [", "is not TOML"), (b"a", "is not TOML")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content, sentence):
    file = tmp_path / "assignment.toml"
    if content is not None:
        file.write_bytes(content)
    for path in (file, tmp_path):
        with pytest.raises(AssignmentError, match=sentence):
            read_assignment(path)


def test_three_thousand_damaged_files_raise_nothing_else(tmp_path):
    """Bytes of the real files dropped, doubled, exchanged and overwritten, by a fixed seed."""
    rng = random.Random(0)
    originals = [(folder / "assignment.toml").read_bytes() for folder in FOLDERS]
    complaints = []
    for number in range(3000):
        data = bytearray(originals[number % len(originals)])
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    del data[place : place + rng.randint(1, 40)]
                case 1:
                    data[place:place] = data[place : place + rng.randint(1, 200)]
                case 2:
                    data[place] = rng.randrange(256)
                case 3:
                    data[place:place] = rng.choice([b"[[", b"]]", b'"', b"= 1e999", b"nan", b"[" * 500, b"\n[class]\n"])
        file = tmp_path / "assignment.toml"
        file.write_bytes(data)
        try:
            read_assignment(file)
        except AssignmentError as error:
            complaints.append(str(error))
    assert 1000 < len(complaints) < 2950
    assert all(complaint.startswith(str(file)) for complaint in complaints)
