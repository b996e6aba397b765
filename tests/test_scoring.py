"""From findings to points, each case worked by hand."""

import dataclasses
from pathlib import Path

import pytest

from grading.answers import Answer, Tensor
from grading.assignment import read_assignment
from grading.diagnosis import Explanation, Made
from grading.layout import Form
from grading.mistakes import CATALOGUE
from grading.mistakes.behaviour import INPUTS_CHANGED
from grading.sandbox import Failure, Verdict
from grading.scoring import Finding, score
from grading.trial import Trial

ASSIGNMENT = read_assignment(Path(__file__).parents[1] / "assignments" / "backprop")
QUESTIONS = {question.function: question for question in ASSIGNMENT.questions}
MISTAKES = {mistake.name: mistake for mistake in CATALOGUE}
GRADIENTS = [(f"{layer} {kind}", kind) for layer in ("output", "hidden_2", "hidden_1") for kind in ("bias", "kernel")]


def trial(function, wrong=(), failure=None):
    """One answer with the six tensors of a three-layer network, those in `wrong` far off."""
    tensors = tuple(Tensor(name, kind, 0, 1.0 if name in wrong else 1e-15, 1e-10) for name, kind in GRADIENTS)
    one = Answer(None, {}, None if failure else {}, failure, () if failure else tensors)
    return Trial(QUESTIONS[function], Form(), (one,))


def explained(*names):
    return (Explanation(tuple(Made(MISTAKES[name]) for name in names), 1e-15),)


def graded(assignment=ASSIGNMENT, dialects=(), **changes):
    """Points of each function, where all is right but for `changes`."""
    findings = []
    for name, question in QUESTIONS.items():
        finding = changes.get(name) or Finding(question, trial(name))
        findings.append(dataclasses.replace(finding, question=question))
    result = score(assignment, findings, dialects)
    return {name: earned.points for name, earned in zip(QUESTIONS, result.questions, strict=True)}, result.earned


def lost(points):
    return {
        name: QUESTIONS[name].points - earned for name, earned in points.items() if earned != QUESTIONS[name].points
    }


def test_all_right_earns_everything():
    assert graded()[1] == 100


def test_one_mistake_costs_half_of_its_question_whatever_it_spoils():
    wrong = Finding(
        QUESTIONS["backward"], trial("backward", [name for name, _ in GRADIENTS]), explained("factor-2-missing")
    )
    points, total = graded(backward=wrong)
    assert lost(points) == {"backward": 17.5}
    assert total == 82.5


def test_two_mistakes_cost_all_of_it_and_three_no_more():
    for names in (("sign", "batch-summed"), ("sign", "batch-summed", "transpose-missing")):
        wrong = Finding(QUESTIONS["backward"], trial("backward", ["output bias"]), explained(*names))
        assert lost(graded(backward=wrong)[0]) == {"backward": 35}


def test_a_mistake_is_charged_once_in_the_question_where_it_first_shows():
    points, _ = graded(
        forward=Finding(QUESTIONS["forward"], trial("forward", ["output bias"]), explained("bias-missing")),
        train=Finding(QUESTIONS["train"], trial("train", ["output bias"]), explained("bias-missing")),
    )
    assert lost(points) == {"forward": 10}


def test_without_follow_through_it_is_charged_again():
    strict = ASSIGNMENT.model_copy(
        update={"questions": tuple(q.model_copy(update={"follow_through": False}) for q in ASSIGNMENT.questions)}
    )
    findings = [
        Finding(q, trial(q.function, ["output bias"]), explained("bias-missing"))
        if q.computes in ("forward", "train")
        else Finding(q, trial(q.function))
        for q in strict.questions
    ]
    assert score(strict, findings).earned == 100 - 10 - 7.5


def test_half_the_cost_and_half_its_gradient_are_one_convention_and_charged_once():
    wrong = {
        "cost": Finding(QUESTIONS["cost"], trial("cost", ["output bias"]), explained("half-cost")),
        "backward": Finding(QUESTIONS["backward"], trial("backward", ["output bias"]), explained("factor-2-missing")),
    }
    assert lost(graded(**wrong)[0]) == {"cost": 5}
    accepting = ASSIGNMENT.model_copy(
        update={"dialects": ASSIGNMENT.dialects.model_copy(update={"scaled_cost": "accept"})}
    )
    assert graded(accepting, **wrong)[1] == 100
    # but half the gradient alone is no convention
    assert graded(accepting, backward=wrong["backward"])[1] == 82.5


def test_what_nothing_explains_earns_the_share_that_is_right_and_at_most_half():
    one_wrong = Finding(QUESTIONS["backward"], trial("backward", ["output bias"]))
    assert lost(graded(backward=one_wrong)[0]) == {"backward": 17.5}  # 5 of 6 right, but at most a half
    five_wrong = Finding(QUESTIONS["backward"], trial("backward", [name for name, _ in GRADIENTS[1:]]))
    points = graded(backward=five_wrong)[0]["backward"]
    assert points == pytest.approx(35 / 6)


def test_tensors_that_only_follow_are_not_charged():
    names = [name for name, _ in GRADIENTS]
    wrong = Finding(QUESTIONS["backward"], trial("backward", names), follows=frozenset(names[2:]))
    assert graded(backward=wrong)[0]["backward"] == 17.5  # 4 of 6 count as right, at most a half
    wrong = Finding(QUESTIONS["backward"], trial("backward", names), follows=frozenset(names[4:]))
    assert graded(backward=wrong)[0]["backward"] == pytest.approx(35 / 3)


def test_a_loop_that_is_right_but_for_the_functions_it_calls_earns_all_its_points():
    wrong = Finding(QUESTIONS["train"], trial("train", ["output bias"]), follows_from=("backward",))
    assert graded(train=wrong)[1] == 100


def test_a_failure_earns_nothing_there():
    failure = Failure(Verdict.EXCEPTION, "it stops", "line 3", "")
    wrong = Finding(QUESTIONS["forward"], trial("forward", failure=failure))
    assert lost(graded(forward=wrong)[0]) == {"forward": 20}


def test_a_file_that_cannot_be_loaded_earns_nothing_at_all():
    failure = Failure(Verdict.SYNTAX, "invalid syntax", "line 3", "")
    findings = [Finding(question, loading=failure) for question in ASSIGNMENT.questions]
    assert score(ASSIGNMENT, findings).earned == 0


def test_a_side_effect_costs_what_a_mistake_costs_once():
    wrong = {name: Finding(QUESTIONS[name], trial(name), behaviour=(INPUTS_CHANGED,)) for name in ("sgd_step", "train")}
    assert lost(graded(**wrong)[0]) == {"sgd_step": 5}


def test_another_layout_costs_nothing_unless_the_assignment_rejects_it():
    assert graded(dialects=["transposed_kernels"])[1] == 100
    strict = ASSIGNMENT.model_copy(
        update={"dialects": ASSIGNMENT.dialects.model_copy(update={"transposed_kernels": "reject"})}
    )
    assert lost(graded(strict, dialects=["transposed_kernels"])[0]) == {"forward": 10}
