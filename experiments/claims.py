"""What of the lecture's claims about gradient descent and mini-batches holds: sentences, each made from the numbers.

The lecture says of the whole training set that its steps have the perfect direction, but are slow; of a mini-batch,
that its steps are less effective, but faster, and get there in less time.
"""

from collections.abc import Callable, Sequence

from experiments.curves import Comparison, Descent, Point, median

AS_GOOD = 0.01
"""Costs that differ by less than this share count as equal."""


def claims(same_rate: Comparison, own_rates: Comparison, accuracy: float) -> list[str]:
    """All sentences.

    Args:
        same_rate: all batch sizes at one learning rate.
        own_rates: each at its best one.
        accuracy: that is to be reached, 0 to 1.
    """
    sentences = [
        step_by_step(same_rate),
        *faster_steps(own_rates),
        at_equal_work(own_rates),
        at_equal_time(own_rates),
        first_to_reach(own_rates, accuracy),
    ]
    return [sentence for sentence in sentences if sentence]


def step_by_step(comparison: Comparison) -> str:
    """Is a step of the largest batch at least as good as any other's? At the same rate, after the same steps."""
    largest = comparison.by_batch_size()[-1]
    steps = _most_steps_of_all(comparison)
    costs = {
        group[0].name: cost
        for group in comparison.by_batch_size()
        if steps and (cost := median([_cost(d.after_steps(steps)) for d in group])) is not None
    }
    name = largest[0].name
    if len(costs) < 2 or name not in costs:
        return ""
    others = {other: cost for other, cost in costs.items() if other != name}
    best = min(others, key=others.__getitem__)
    start = f"Step by step: after the same {steps:,} steps at the same rate {_batch(largest[0])} has cost"
    if costs[name] > others[best] * (1 + AS_GOOD):
        return (
            f"{start} {costs[name]:.3f}, batch {best} {others[best]:.3f}: a mini-batch's steps are better. "
            "The claim does not hold here."
        )
    start += f" {costs[name]:.3f}"
    as_good = [f"{other} ({cost:.3f})" for other, cost in others.items() if cost <= costs[name] * (1 + AS_GOOD)]
    worse = [f"{other} ({cost:.3f})" for other, cost in others.items() if cost > costs[name] * (1 + AS_GOOD)]
    if not worse:
        return f"{start}, and to {100 * AS_GOOD:g} % so has every mini-batch: the claim does not show."
    rest = f"; to {100 * AS_GOOD:g} % as well does batch {_listed(as_good)}" if as_good else ""
    return f"{start}. A mini-batch's steps do less with batch {_listed(worse)}: the claim holds{rest}."


def faster_steps(comparison: Comparison) -> list[str]:
    """Are a small batch's steps faster, and by how much less than they are smaller?"""
    groups = comparison.by_batch_size()
    if len(groups) < 2:
        return []
    small, large = groups[0], groups[-1]
    step, images = _ratio(small, large, _steps_per_second), _ratio(large, small, _examples_per_second)
    verdict = "the claim holds" if step > 1 else "the claim does not hold here"
    image_side = f"{images:,.3g} times as many images" if images > 1 else f"only {images:,.2g} times as many images"
    return [
        f"Faster steps: {_batch(small[0])} makes {_thousands(step)} times as many steps a second as "
        f"{_batch(large[0])}: {verdict}. In a second {_batch(large[0])} sees {image_side}."
    ]


def at_equal_work(comparison: Comparison) -> str:
    """Who is best after the same number of images?"""
    return _cut(
        comparison,
        f"Equal work: from the same {comparison.examples:,} images",
        lambda descent: descent.after_examples(comparison.examples),
        "mini-batches make more of the same images",
    )


def at_equal_time(comparison: Comparison) -> str:
    """Who is best after the same time?"""
    return _cut(
        comparison,
        f"Equal time: in {comparison.seconds:g} s of training",
        lambda descent: descent.after_seconds(comparison.seconds),
        "mini-batches get further in the same time",
    )


def first_to_reach(comparison: Comparison, accuracy: float) -> str:
    """Who reaches an accuracy first? The best batch size on this machine."""
    seconds = {
        group[0].batch_size: (group[0], median([_seconds(d.reaching(accuracy)) for d in group]))
        for group in comparison.by_batch_size()
    }
    arrived = [(when, descent) for descent, when in seconds.values() if when is not None]
    if not arrived:
        return f"{100 * accuracy:.3g} % of the test images right: no batch size came to that."
    when, first = min(arrived, key=lambda pair: pair[0])
    large, large_when = seconds[max(seconds)]
    sentence = f"{100 * accuracy:.3g} % of the test images right: first {_batch(first)}, after {when:.2g} s"
    if first.batch_size == large.batch_size:
        return f"{sentence}. No mini-batch is there in less time: the claim does not hold here."
    if large_when is None:
        ended = min(d.points[-1].seconds for d in comparison.by_batch_size()[-1])
        return f"{sentence}; {_batch(large)} not within {ended:.2g} s: the claim of less time holds."
    return f"{sentence}; {_batch(large)} after {large_when:.2g} s: the claim of less time holds."


def _cut(comparison: Comparison, start: str, cut: Callable[[Descent], Point | None], claim: str) -> str:
    """The best and the largest batch size at a cut, each at its own rate."""
    costs = [
        (cost, group[0])
        for group in comparison.by_batch_size()
        if (cost := median([_cost(cut(descent)) for descent in group])) is not None
    ]
    if len(costs) < 2:
        return ""
    (best_cost, best), (large_cost, large) = min(costs, key=lambda pair: pair[0]), costs[-1]
    sentence = f"{start} {_batch(best)} has come to the lowest cost, {best_cost:.3f}"
    if best is large:
        return f"{sentence}. That {claim} does not hold here."
    if large_cost <= best_cost * (1 + AS_GOOD):
        return f"{sentence}, {_batch(large)} to {large_cost:.3f}, as good. That {claim} does not hold here."
    return f"{sentence}, {_batch(large)} to {large_cost:.3f}: {claim}."


def _most_steps_of_all(comparison: Comparison) -> int:
    """The most steps, above 0, after which all descents were measured, within the work of the largest batch."""
    largest = comparison.by_batch_size()[-1][0]
    if (end := largest.after_examples(comparison.examples)) is None:
        return 0
    measured = [
        {point.steps for point in descent.points if point.steps <= end.steps} for descent in comparison.descents
    ]
    return max(set.intersection(*measured), default=0)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _batch(descent: Descent) -> str:
    """With its article."""
    return "the full batch" if descent.name == "full" else f"batch {descent.name}"


def _ratio(some: Sequence[Descent], others: Sequence[Descent], speed: Callable[[Descent], float]) -> float:
    return (median([speed(d) for d in some]) or 0.0) / (median([speed(d) for d in others]) or 1.0)


def _thousands(number: float) -> str:
    """A ratio in two digits: 2,100 or 3.4."""
    return f"{float(f'{number:.2g}'):,.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


def _steps_per_second(descent: Descent) -> float:
    return descent.points[-1].steps / descent.points[-1].seconds


def _examples_per_second(descent: Descent) -> float:
    return descent.points[-1].examples / descent.points[-1].seconds


def _cost(point: Point | None) -> float | None:
    return None if point is None else point.cost


def _seconds(point: Point | None) -> float | None:
    return None if point is None else point.seconds
