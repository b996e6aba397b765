"""The catalogue by itself: every entry changes some answer, and no two that can be told apart give the same values."""

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from grading.assignment import parse_assignment, read_assignment
from grading.derivation import RIGHT, Asked, answer, distance
from grading.diagnosis import MATCH
from grading.mistakes import BEHAVIOUR, CATALOGUE, applicable, setting_of
from grading.probes import probes_for

FOLDER = Path(__file__).parents[1] / "assignments"
ASSIGNMENTS = {folder.name: read_assignment(folder) for folder in FOLDER.iterdir() if folder.is_dir()}
ASSIGNMENTS["tanh"] = parse_assignment(  # an instructor's change of three words
    tomllib.loads((FOLDER / "backprop" / "assignment.toml").read_text(encoding="utf-8"))
    | {"activation": "tanh", "output": "tanh", "cost": "half-squared-error"},
    "tanh",
)

INSEPARABLE = {
    "activation": [{"hidden-not-activated", "nothing-activated"}],  # a function of one array has no layers
    "output activation": [{"output-not-activated", "nothing-activated"}],
    "activation slope": [
        # a function of one array has no layers
        {"slope-missing-in-hidden-layers", "slope-missing-everywhere"},
        {"slope-of-sigmoid", "slope-of-sigmoid-everywhere"},
        {"slope-of-tanh", "slope-of-tanh-everywhere"},
        {"slope-of-relu", "slope-of-relu-everywhere"},
    ],
    "backward": [{"gradients-all-zero", "integer-arithmetic"}],  # where every entry is below 1
    "train": [
        {"gradients-all-zero", "integer-arithmetic"},
        {"gradients-all-zero", "nothing-updated"},
        # the parameters alone do not tell whether the gradient or the step is at fault; other questions do
        {"sign", "ascent"},
        {"integer-arithmetic", "nothing-updated"},
        {"hidden-layers-never-computed", "only-the-last-layer-updated"},
        {"bias-gradients-zero", "biases-not-updated"},
        {"bias-gradient-one-number", "bias-gradient-one-number-for-all"},
        # on square networks the updates of either broadcast, elsewhere both stop
        {"bias-gradient-over-units", "bias-gradient-summed-over-units"},
    ],
}


def predictions(assignment, question, mistake=None, seed=0):
    """What the catalogue says comes back from each probe; None where the wrong rule cannot be carried out."""
    asked = Asked(question.computes, question.returns, question.own_forward, assignment.output == "softmax")
    derivation = mistake.made_in(RIGHT, (mistake.number or (None,))[0]) if mistake else RIGHT
    found = []
    for probe in probes_for(assignment, question.computes, seed):
        try:
            found.append(answer(asked, probe, derivation))
        except (ValueError, IndexError, TypeError):
            found.append(None)
    return found


def same(first, second):
    return all(
        (u is None and v is None) or (u is not None and v is not None and distance(u, v) <= MATCH)
        for u, v in zip(first, second, strict=True)
    )


def showing(assignment, question, seed=0):
    right = predictions(assignment, question, seed=seed)
    entries = applicable(setting_of(assignment))
    made = {mistake.name: predictions(assignment, question, mistake, seed) for mistake in entries}
    return {name: values for name, values in made.items() if not same(values, right)}


@pytest.mark.parametrize("seed", [0, 1])
def test_every_entry_shows_in_some_question_of_some_assignment(seed):
    shown = {
        name
        for assignment in ASSIGNMENTS.values()
        for question in assignment.questions
        for name in showing(assignment, question, seed)
    }
    assert shown == {mistake.name for mistake in CATALOGUE}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_two_entries_give_the_same_values_but_for_the_pairs_that_cannot_be_told_apart(name):
    assignment = ASSIGNMENTS[name]
    for question in assignment.questions:
        values = showing(assignment, question)
        allowed = INSEPARABLE.get(question.computes, [])
        for first, second in itertools.combinations(values, 2):
            if {first, second} not in allowed:
                assert not same(values[first], values[second]), (question.function, first, second)


def test_every_entry_agrees_by_value_somewhere_and_does_not_only_crash():
    for name, assignment in ASSIGNMENTS.items():
        for question in assignment.questions:
            for mistake, values in showing(assignment, question).items():
                assert any(value is not None for value in values), (name, question.function, mistake)


def test_names_are_unique_and_texts_are_there():
    entries = [*CATALOGUE, *BEHAVIOUR]
    assert len({mistake.name for mistake in entries}) == len(entries)
    for mistake in entries:
        assert mistake.name == mistake.name.lower().replace(" ", "-")
        for text in (mistake.says, mistake.done, mistake.right, mistake.hint):
            assert text
            assert text == text.strip()
        assert not mistake.says.endswith(".")
        assert mistake.done != mistake.right


def test_no_hint_gives_code_away():
    """A hint points to a place in the lecture; what would run is not in it."""
    for mistake in [*CATALOGUE, *BEHAVIOUR]:
        for code in (" @ ", ".T", "[:", "-1]", ".sum(", "axis=", "return "):
            assert code not in mistake.hint, mistake.name


def test_relu_of_the_activation_is_no_mistake():
    """s'(a) = s'(z) for ReLU: the mask may be taken from the output. It must not be an entry there."""
    names = {mistake.name for mistake in applicable(setting_of(ASSIGNMENTS["softmax"]))}
    assert not names & {"slope-of-the-activation", "slope-twice"}


def test_two_mistakes_in_one_rule_are_both_made():
    by_name = {mistake.name: mistake for mistake in CATALOGUE}
    assignment = ASSIGNMENTS["backprop"]
    question = next(q for q in assignment.questions if q.computes == "backward")
    asked = Asked("backward", question.returns)
    probe = probes_for(assignment, "backward", 0)[0]
    right = answer(asked, probe)
    both = answer(asked, probe, by_name["sign"].made_in(by_name["factor-2-missing"].made_in(RIGHT)))
    for u, v in zip(both["kernel_gradients"], right["kernel_gradients"], strict=True):
        np.testing.assert_allclose(u, -v / 2, rtol=1e-12)
