"""Which mistake is it? The catalogue's predictions, held against what the function really returned.

A mistake explains an answer if the derivation with that one wrong rule gives the same values, on every probe: also the
same wrong shapes, and where the wrong rule meets shapes that do not fit, the function must have failed as well. One
probe at least must agree by its values; that two programs crash proves nothing.

Where no entry explains everything, pairs are tried, and else the numbers are described as they are: `fingerprint`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backprop.compare import norm
from backprop.functions import Array
from grading.answers import SINGLE_TOLERANCE, Answer, Tensor, flat_bias, in_single_precision
from grading.derivation import RIGHT, Asked, Derivation, Quantities, answer, arrays, distance
from grading.layout import BIASES
from grading.mistakes import Mistake
from grading.sandbox import Verdict

MATCH = 1e-8
"""How near a prediction must come, norm-relative. The predictions of any two entries lie much farther apart."""

FIT_STEPS = 12
"""Newton steps for a mistake's own number."""

CRASHES = (Verdict.EXCEPTION, Verdict.RESULT)
"""What a wrong formula leads to where shapes do not fit."""


@dataclass(frozen=True)
class Made:
    """A mistake as it was made: with its number, where it has one."""

    mistake: Mistake
    number: float | None = None

    def __str__(self) -> str:
        return self.mistake.says + (f" ({self.number:.4g})" if self.number is not None else "")


@dataclass(frozen=True)
class Explanation:
    """Mistakes that explain every answer.

    Attributes:
        made: made together: one, or two.
        error: how far the predictions are from what was returned, at most.
    """

    made: tuple[Made, ...]
    error: float

    @property
    def names(self) -> frozenset[str]:
        """Identifiers."""
        return frozenset(made.mistake.name for made in self.made)


def derivation_with(made: Iterable[Made], start: Derivation = RIGHT) -> Derivation:
    """The derivation in which these mistakes are made."""
    for one in made:
        start = one.mistake.made_in(start, one.number)
    return start


# --- explaining -------------------------------------------------------------------------------------------------


def explain(
    asked: Asked, answers: Sequence[Answer], candidates: Sequence[Mistake], start: Derivation = RIGHT
) -> list[Explanation]:
    """All single mistakes that explain the answers.

    Args:
        asked: the question.
        answers: to all probes.
        candidates: the mistakes to try.
        start: what is known to be wrong already.
    """
    answers = _easiest_first(answers)
    if not answers:
        return []
    found: list[Explanation] = []
    for mistake in sorted(candidates, key=lambda mistake: bool(mistake.number)):
        if mistake.number and found:
            break  # with a number to choose, almost anything can be made to look like something simpler
        for number in _numbers(asked, answers[0], mistake, start):
            error = mismatch(asked, answers, mistake.made_in(start, number))
            if error is not None:
                found.append(Explanation((Made(mistake, number),), error))
                break
    return found


def explain_by_two(
    asked: Asked, answers: Sequence[Answer], candidates: Sequence[Mistake], start: Derivation = RIGHT
) -> list[Explanation]:
    """All pairs of mistakes that explain the answers, made in either order."""
    answers = _easiest_first(answers)
    if not answers:
        return []
    small = [one for one in answers if one.probe.sizes[0] < 100]  # what shows at all shows on a small network
    relevant = [m for m in candidates if shows(asked, small, Made(m, (m.number or (None,))[0]), start)]
    found = []
    for pair in itertools.combinations(relevant, 2):
        for made in _ways(pair):
            error = mismatch(asked, answers, derivation_with(made, start))
            if error is not None:
                found.append(Explanation(made, error))
                break
    return found


def _ways(pair: tuple[Mistake, Mistake]) -> Iterator[tuple[Made, Made]]:
    """In one order; and in the other, where the two meet in one rule."""
    made = [Made(mistake, (mistake.number or (None,))[0]) for mistake in pair]
    yield made[0], made[1]
    if _rules(pair[0]) & _rules(pair[1]):
        yield made[1], made[0]


def _rules(mistake: Mistake) -> set[str]:
    names = {name for name in ("activation", "cost", "output", "returned") if getattr(mistake, name)}
    for rules in (mistake.chain, mistake.loop):
        names |= set(rules(1.0) if callable(rules) else rules)
    return names


def _easiest_first(answers: Sequence[Answer]) -> list[Answer]:
    """Answers with values before those without, small probes before large ones, wrong ones before right ones.

    None at all where some answer failed in a way that no formula leads to, or where no values are wrong.
    """
    if any(a.failure and a.failure.verdict not in CRASHES for a in answers):
        return []
    # a single layer is tried to see whether it is done; what a mistake does to it depends on how a loop is written
    answers = [a for a in answers if len(a.probe.W) > 1] or answers
    if not any(a.got is not None and not a.right for a in answers):
        return []
    return sorted(answers, key=lambda a: (a.got is None, a.right, sum(W.size for W in a.probe.W)))


def shows(asked: Asked, answers: Sequence[Answer], made: Made, start: Derivation = RIGHT) -> bool:
    """Whether a mistake changes anything in what is asked."""
    wrong = derivation_with([made], start)
    for one in answers:
        prediction, right = _predict(asked, one, wrong), _predict(asked, one, start)
        if prediction is None or right is None or distance(prediction, right, 0.0) != 0:
            return True
    return False


# --- prediction against answer ----------------------------------------------------------------------------------


def mismatch(asked: Asked, answers: Sequence[Answer], derivation: Derivation) -> float | None:
    """How far a derivation's predictions are from the answers, at most; None where it does not explain them all."""
    worst, by_value = 0.0, False
    for one in answers:
        prediction = _predict(asked, one, derivation)
        if prediction is None or one.got is None:
            if not _both_fail(one, prediction):
                return None
            continue
        near = SINGLE_TOLERANCE if _single(one.got) else MATCH
        error = distance(one.got, prediction, near)
        if not error <= near:
            return None
        if not one.right and not error <= distance(one.got, one.expected) / 10:
            return None  # no nearer than to what is right
        worst = max(worst, error)
        by_value |= not one.right  # that what is right is predicted to be right explains nothing
    return worst if by_value else None


def _both_fail(one: Answer, prediction: Quantities | None) -> bool:
    """A crash is explained where the wrong rule fails too, or gives shapes that nothing can be done with."""
    returned_wrong_shape = one.got is not None and any(tensor.problem for tensor in one.tensors)
    if prediction is None:
        return one.got is None or returned_wrong_shape
    return distance(prediction, one.expected) == np.inf


def _predict(asked: Asked, one: Answer, derivation: Derivation) -> Quantities | None:
    """None where the derivation cannot be carried out. Only a wrong rule can make it fail: its own shapes."""
    try:
        prediction = answer(asked, one.probe, derivation)
        for name in set(prediction) & set(BIASES):
            shapes = [reference.shape for reference in one.expected[name]]
            prediction[name] = [flat_bias(np.asarray(b), s) for b, s in zip(prediction[name], shapes, strict=True)]
    except (ValueError, IndexError, TypeError):
        return None
    return prediction


def _single(got: Quantities) -> bool:
    return any(in_single_precision(np.asarray(array)) for name in got for array in arrays(name, got))


# --- a mistake's own number -------------------------------------------------------------------------------------


def _numbers(asked: Asked, first: Answer, mistake: Mistake, start: Derivation) -> Iterator[float | None]:
    """The numbers a mistake may have been made with: fitted to the first answer, from each start."""
    if not mistake.number:
        yield None
        return
    for guess in mistake.number:
        fitted = _fit(asked, first, mistake, start, guess)
        if fitted is not None and fitted != 0:
            yield fitted


def _fit(asked: Asked, first: Answer, mistake: Mistake, start: Derivation, number: float) -> float | None:
    """Newton's method for the least squared difference, along one number."""
    if first.got is None or any(tensor.problem for tensor in first.tensors):
        return None
    target, before = _flat(first.got), np.inf
    for _ in range(FIT_STEPS):
        here, step = (_predict(asked, first, mistake.made_in(start, n)) for n in (number, number + 1e-6))
        if here is None or step is None:
            return None
        difference = target - _flat(here)
        distance_now = float(np.linalg.norm(difference))
        if distance_now <= 1e-14 * float(np.linalg.norm(target)) or not distance_now < before / 2:
            break  # there; or no nearer: as near as rounding allows, or another mistake
        slope = (_flat(step) - _flat(here)) / 1e-6
        square = float(slope @ slope)
        number, before = number + (float(slope @ difference) / square if square else 0.0), distance_now
        if not np.isfinite(number) or abs(number) > 1e6:
            return None
    return number


def _flat(quantities: Quantities) -> Array:
    return np.concatenate([np.ravel(array) for name in sorted(quantities) for array in arrays(name, quantities)])


# --- where nothing explains it ----------------------------------------------------------------------------------


def fingerprint(answers: Sequence[Answer]) -> list[str]:
    """What can be said of wrong values: the first wrong tensor, its ratio and angle, and a constant factor's origin."""
    wrong = [(one, tensor) for one in answers for tensor in one.tensors if not tensor.right]
    if not wrong:
        return []
    one, tensor = wrong[0]
    if tensor.problem:
        return []  # said already
    lines = [_ratio_and_angle(one, tensor)]
    factor = _constant_factor(answers, tensor)
    if factor:
        lines.append(factor)
    elsewhere = [a.probe.name for a in answers if a.right]
    if elsewhere:
        lines.append(f"Right on {'; '.join(elsewhere)}: what is different there?")
    return lines


def _pair(one: Answer, tensor: Tensor) -> tuple[Array, Array]:
    got, expected = (arrays(tensor.quantity, q or {})[tensor.layer] for q in (one.got, one.expected))
    return np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)


def _ratio_and_angle(one: Answer, tensor: Tensor) -> str:
    got, expected = _pair(one, tensor)
    where = f"on {one.probe.name}"
    norms = float(norm(got, got.ndim)), float(norm(expected, expected.ndim))
    if norms[0] == 0:
        return f"{tensor.name}: all zero ({where})"
    if norms[1] == 0:
        return f"{tensor.name}: should be zero ({where})"
    cosine = float(np.vdot(got / norms[0], expected / norms[1]))
    if cosine > 0.9999 and abs(norms[0] / norms[1] - 1) < 1e-3:
        return f"{tensor.name}: of the right size and direction, but {tensor.error:.1e} of its size away ({where})"
    return (
        f"{tensor.name}: {norms[0] / norms[1]:.4g} times as large as it should be, "
        f"cosine of the angle between the two {cosine:.4f} ({where})"
    )


def _constant_factor(answers: Sequence[Answer], tensor: Tensor) -> str:
    """Where a tensor is a multiple of the right one on every probe, what the factor is."""
    ratios: list[tuple[float, dict[str, float]]] = []
    for one in answers:
        # the same tensor seen from the output's side, as networks differ in their number of layers
        matching = [t for t in one.tensors if t.quantity == tensor.quantity and t.name == tensor.name]
        if not matching or one.got is None or matching[0].problem:
            continue
        got, expected = _pair(one, matching[0])
        square = float(np.vdot(expected, expected))
        if not square:
            continue
        ratio = float(np.vdot(got, expected)) / square
        if not ratio or np.linalg.norm(got - ratio * expected) > MATCH * np.linalg.norm(got):
            return ""
        ratios.append((ratio, known_factors(one)))
    if not ratios or abs(ratios[0][0] - 1) < 1e-3:
        return ""
    for name in _products(ratios[0][1]):
        if all(abs(ratio - _value(name, factors)) <= MATCH * abs(ratio) for ratio, factors in ratios):
            return f"On every problem {tensor.name} is the right one times a constant: {_words(name)}."
    return f"{tensor.name} is the right one times a constant factor, {ratios[0][0]:.6g}."


def known_factors(one: Answer) -> dict[str, float]:
    """Numbers that mistakes bring in."""
    probe = one.probe
    return {
        "2": 2.0,
        "-1": -1.0,
        "the batch size": float(len(probe.y)),
        "the number of output units": float(probe.sizes[-1]),
        "the number of inputs": float(probe.sizes[0]),
        "the number of layers": float(len(probe.W)),
        "the learning rate": probe.learning_rate,
    }


def _products(factors: dict[str, float]) -> Iterator[tuple[tuple[str, int], ...]]:
    single = [((name, power),) for name in factors for power in (1, -1)]
    yield from single
    yield from (
        u + v
        for u, v in itertools.combinations_with_replacement(single, 2)
        if u[0][0] != v[0][0] or (u == v and u[0][0] != "-1")
    )


def _value(name: tuple[tuple[str, int], ...], factors: dict[str, float]) -> float:
    return float(np.prod([factors[word] ** power for word, power in name]))


def _words(name: tuple[tuple[str, int], ...]) -> str:
    return " and ".join(("times " if power > 0 else "divided by ") + word for word, power in name)
