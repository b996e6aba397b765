"""The grader's reference against programs that share no code with it, and what a wrong reference would do.

The programs are those that the students' submissions of the tests are made from. They run here, in this process, and
not in the sandbox: they are ours.
"""

import importlib.util
import tomllib
from pathlib import Path

import numpy as np
import pytest

from backprop.functions import ACTIVATIONS
from grading.answers import judge
from grading.assignment import parse_assignment, read_assignment
from grading.derivation import RIGHT, Asked, answer, given
from grading.layout import declared_form, to_form
from grading.mistakes import CATALOGUE, applicable, setting_of
from grading.probes import probes_for
from grading.sandbox import Returned
from grading.trial import arguments_for

ROOT = Path(__file__).parents[1]
PROGRAMS = {"backprop": "backprop.py", "softmax": "softmax.py", "network-class": "network_class.py"}
TANH = {"activation": "tanh", "output": "tanh", "cost": "half-squared-error"}


def load(name):
    file = ROOT / "tests" / "submissions" / PROGRAMS[name]
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tanh_program():
    """The first program with another activation and half the cost."""
    module = load("backprop")
    module.sigmoid, module.sigmoid_prime = ACTIVATIONS["tanh"].function, ACTIVATIONS["tanh"].derivative
    cost, backward = module.cost, module.backward
    module.cost = lambda a, y: cost(a, y) / 2
    module.backward = lambda *arguments: tuple([g / 2 for g in part] for part in backward(*arguments))
    return module


CASES = {name: (read_assignment(ROOT / "assignments" / name), load(name)) for name in PROGRAMS}
CASES["tanh"] = (
    parse_assignment(
        tomllib.loads((ROOT / "assignments" / "backprop" / "assignment.toml").read_text(encoding="utf-8")) | TANH,
        "tanh",
    ),
    tanh_program(),
)


def called(assignment, module, question, probe):
    """What the program returns, as the sandbox would hand it over."""
    form = declared_form(assignment)
    arguments = arguments_for(question, probe, form, assignment.output == "softmax")
    owner, _, method = question.function.rpartition(".")
    if not owner:
        return Returned(getattr(module, method)(*arguments), (), False)
    quantities = given(probe, False)
    network = getattr(module, owner)(quantities["sizes"])
    for attribute, name in assignment.student_class.attributes.items():
        setattr(network, attribute, to_form(name, quantities[name], form))
    return Returned(getattr(network, method)(*arguments), (), False)


def outcomes(name, seed):
    """(asked, question, form, probe, what the program returned) for each question and probe."""
    assignment, module = CASES[name]
    for question in assignment.questions:
        asked = Asked(question.computes, question.returns, question.own_forward, assignment.output == "softmax")
        for probe in probes_for(assignment, question.computes, seed):
            with np.errstate(all="ignore"):
                yield asked, question, declared_form(assignment), probe, called(assignment, module, question, probe)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CASES)
def test_the_reference_agrees_with_programs_that_share_no_code_with_it(name, seed):
    for asked, question, form, probe, outcome in outcomes(name, seed):
        judged = judge(question, probe, answer(asked, probe), outcome, form)
        assert judged.right, (question.function, probe.name, judged.worst)
        assert judged.worst.error < 1e-12


@pytest.fixture(scope="module")
def returned():
    return {name: list(outcomes(name, 0)) for name in CASES}


@pytest.mark.parametrize("mistake", CATALOGUE, ids=lambda mistake: mistake.name)
def test_a_reference_with_any_known_mistake_in_it_would_be_noticed(mistake, returned):
    derivation = mistake.made_in(RIGHT, (mistake.number or (None,))[0])
    noticed = False
    for name, (assignment, _) in CASES.items():
        if mistake not in applicable(setting_of(assignment)):
            continue
        for asked, question, form, probe, outcome in returned[name]:
            try:
                wrong = answer(asked, probe, derivation)
            except (ValueError, IndexError, TypeError):
                noticed = True  # the grader would have crashed
                continue
            try:
                noticed |= not judge(question, probe, wrong, outcome, form).right
            except ValueError:
                noticed = True
    assert noticed
