"""Naming mistakes from values: what counts as explained, and what is said where nothing explains it."""

from pathlib import Path

import numpy as np
import pytest

from grading.answers import judge
from grading.assignment import read_assignment
from grading.blame import following_tensors, wrong_tensors
from grading.derivation import RIGHT, Asked, answer
from grading.diagnosis import derivation_with, explain, explain_by_two, fingerprint, mismatch
from grading.layout import Form
from grading.mistakes import CATALOGUE, applicable, setting_of
from grading.probes import probes_for
from grading.sandbox import Failure, Returned, Verdict

ASSIGNMENT = read_assignment(Path(__file__).parents[1] / "assignments" / "backprop")
BACKWARD = next(question for question in ASSIGNMENT.questions if question.computes == "backward")
TRAIN = next(question for question in ASSIGNMENT.questions if question.computes == "train")
BY_NAME = {mistake.name: mistake for mistake in CATALOGUE}
ENTRIES = applicable(setting_of(ASSIGNMENT))
STOPPED = Failure(Verdict.EXCEPTION, "ValueError", "line 1", "")


def asked(question):
    return Asked(question.computes, question.returns)


def answers_of(question, compute, seed=0):
    """What would come back from a function that returns `compute(probe)` in the manual module's words."""
    found = []
    for probe in probes_for(ASSIGNMENT, question.computes, seed):
        try:
            quantities = compute(probe)
            outcome = Returned(tuple(quantities[name] for name in question.returns), (), False)
        except (ValueError, IndexError, TypeError):
            outcome = STOPPED
        found.append(judge(question, probe, answer(asked(question), probe), outcome, Form()))
    return found


def with_mistakes(question, *names, number=None):
    derivation = RIGHT
    for name in names:
        derivation = BY_NAME[name].made_in(derivation, number)
    return answers_of(question, lambda probe: answer(asked(question), probe, derivation))


def scaled(factor):
    def compute(probe):
        right = answer(asked(BACKWARD), probe)
        return {name: [factor(probe) * g for g in right[name]] for name in BACKWARD.returns}

    return answers_of(BACKWARD, compute)


@pytest.mark.parametrize("name", ["factor-2-missing", "transpose-missing", "bias-gradient-keeps-the-batch"])
def test_a_mistake_is_found_by_its_values_also_where_it_crashes_on_some_problems(name):
    [found] = explain(asked(BACKWARD), with_mistakes(BACKWARD, name), ENTRIES)
    assert found.names == {name}
    assert found.error < 1e-12


def test_one_problem_that_disagrees_rules_a_mistake_out():
    answers = with_mistakes(BACKWARD, "factor-2-missing")
    other = with_mistakes(BACKWARD, "sign")
    assert explain(asked(BACKWARD), [*answers[:-1], other[-1]], ENTRIES) == []


def test_that_two_programs_crash_proves_nothing():
    crashes = answers_of(BACKWARD, lambda probe: {}["nothing"] if False else np.zeros(3)["x"])
    assert explain(asked(BACKWARD), crashes, ENTRIES) == []
    # nor does a crash where the wrong rule gives values
    answers = with_mistakes(BACKWARD, "factor-2-missing")
    crashed = judge(BACKWARD, answers[0].probe, answers[0].expected, STOPPED, Form())
    assert explain(asked(BACKWARD), [crashed, *answers[1:]], ENTRIES) == []


def test_a_timeout_is_not_what_a_formula_leads_to():
    answers = with_mistakes(BACKWARD, "transpose-missing")
    late = Failure(Verdict.TIMEOUT, "too long", "", "")
    late = judge(BACKWARD, answers[0].probe, answers[0].expected, late, Form())
    assert explain(asked(BACKWARD), [late, *answers[1:]], ENTRIES) == []


@pytest.mark.parametrize("number", [0.85, 0.3, 0.999])
def test_a_mistakes_own_number_is_found(number):
    [found] = explain(asked(TRAIN), with_mistakes(TRAIN, "momentum", number=number), ENTRIES)
    assert found.names == {"momentum"}
    assert found.made[0].number == pytest.approx(number, rel=1e-9)


def test_a_number_is_not_stretched_to_explain_what_is_simpler():
    """A learning rate that decays with c = 0 would be a first batch only, too."""
    found = explain(asked(TRAIN), with_mistakes(TRAIN, "only-the-first-batch"), ENTRIES)
    assert [one.names for one in found] == [{"only-the-first-batch"}]


@pytest.mark.parametrize(
    "names",
    [
        ("batch-summed", "transpose-missing"),
        ("sign", "factor-2-missing"),  # in the same rule
        ("slope-of-the-activation", "bias-gradients-zero"),
        ("kernel-gradient-transposed", "batch-summed"),
    ],
)
def test_two_mistakes_are_both_found(names):
    answers = with_mistakes(BACKWARD, *names)
    assert explain(asked(BACKWARD), answers, ENTRIES) == []
    assert set(names) in [one.names for one in explain_by_two(asked(BACKWARD), answers, ENTRIES)]


def test_a_second_mistake_is_found_on_top_of_a_known_one():
    answers = with_mistakes(BACKWARD, "sign", "transpose-missing")
    start = BY_NAME["sign"].made_in(RIGHT)
    [found] = explain(asked(BACKWARD), answers, ENTRIES, start)
    assert found.names == {"transpose-missing"}
    assert mismatch(asked(BACKWARD), answers, derivation_with(found.made, start)) < 1e-12


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (lambda probe: len(probe.y), "times the batch size"),
        (lambda probe: 1 / len(probe.y), "divided by the batch size"),
        (lambda probe: probe.sizes[-1] * len(probe.y), "times the batch size and times the number of output units"),
        (lambda probe: -1, "times -1"),
        (lambda probe: 4, "times 2 and times 2"),
        (lambda probe: 1.37, "a constant factor, 1.37"),
    ],
)
def test_a_constant_factor_is_traced_to_its_origin(factor, words):
    assert words in " ".join(fingerprint(scaled(factor)))


def test_a_factor_that_is_not_constant_is_not_called_so():
    rng = np.random.default_rng(0)
    noisy = scaled(lambda probe: rng.uniform(0.9, 1.1))
    assert "times a constant:" not in " ".join(fingerprint(noisy))


def test_the_first_wrong_tensor_comes_first_in_the_order_of_computation():
    wrong = wrong_tensors(with_mistakes(BACKWARD, "slope-missing-in-hidden-layers"))
    assert wrong[0].name in ("hidden_2 bias", "hidden_3 bias")
    assert not any(tensor.layer == 2 and tensor.name.startswith("output") for tensor in wrong)


def test_what_is_right_given_a_wrong_delta_only_follows():
    """A stray factor on the output's delta: all six tensors are wrong, five of them only follow."""
    derivation = derivation_with([], RIGHT)
    stray = {"cost_slope": lambda right, p: right(p) * np.array([1.0, 1.3, 0.6])[: p.y.shape[-1]]}

    def compute(probe):
        if probe.sizes[-1] != 3:
            return answer(asked(BACKWARD), probe)
        return answer(asked(BACKWARD), probe, type(derivation)(chain=(stray,)))

    answers = answers_of(BACKWARD, compute)
    three_layers = {tensor.name for tensor in answers[0].tensors}
    assert following_tensors(answers) == three_layers - {"output bias"}
    # and where the way back is wrong itself, it does not
    assert "hidden_2 bias" not in following_tensors(with_mistakes(BACKWARD, "slope-missing-in-hidden-layers"))
