"""Mistakes in the step and in the loop: seen over several steps only.

r is what is known when a step begins: all parameters and gradients so far, the batches, the samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.descent import Batch, Parameters, Run
from backprop.functions import Array
from backprop.network import Arrays, Pass
from grading.mistakes.rules import Mistake

STEP = "The lecture applies gradient descent: each parameter minus the learning rate times its gradient"
LOOP_HINT = 'The lecture, "Stochastic Gradient Descent": take a mini-batch, update, take the next'


def epochs(r: Run) -> list[list[Batch]]:
    """The batches, epoch by epoch: an epoch is full when every row was used once."""
    found: list[list[Batch]] = [[]]
    num_rows = 0
    for batch in r.batches:
        if num_rows >= len(r.x):
            found.append([])
            num_rows = 0
        found[-1].append(batch)
        num_rows += len(batch)
    return found


def epoch_and_place(r: Run) -> tuple[int, int]:
    """Which epoch the present step belongs to, and its place in it, both from 0."""
    step = len(r.parameters) - 1
    if "epoch lengths" not in r.memory:
        r.memory["epoch lengths"] = list(map(len, epochs(r)))
    lengths: list[int] = r.memory["epoch lengths"]
    for number, length in enumerate(lengths):
        if step < length:
            return number, step
        step -= length
    return len(lengths), step


def combined(gradients: Sequence[Parameters], weights: Sequence[float]) -> Parameters:
    """The weighted sum of several steps' gradients."""

    def total(tensors: Sequence[Array]) -> Array:
        return np.asarray(sum(weight * tensor for weight, tensor in zip(weights, tensors, strict=True)))

    dW = [total(layer) for layer in zip(*(g[0] for g in gradients), strict=True)]
    db = [total(layer) for layer in zip(*(g[1] for g in gradients), strict=True)]
    return dW, db


def piled_up(r: Run, keep: Callable[[int], float], weight: Callable[[int], float] = lambda k: 1.0) -> Parameters:
    """The gradients of all steps so far on one pile, to which each step adds its own.

    Args:
        r: whose memory holds the pile.
        keep: takes a step's number, from 0; how much of the pile is kept when it comes.
        weight: takes the same; how much of its gradient is put on the pile.
    """
    known, pile = r.memory.get("pile", (0, None))
    for k in range(known, len(r.gradients)):
        added = combined([r.gradients[k]], [weight(k)])
        pile = added if pile is None or keep(k) == 0 else combined([pile, added], [keep(k), 1.0])
    r.memory["pile"] = len(r.gradients), pile
    return pile


def largest_batch(r: Run) -> int:
    """The full batch size."""
    return max(map(len, r.batches))


def _step(name: str, says: str, done: str, wrong: Any, hint: str = STEP, **more: Any) -> Mistake:
    return Mistake(
        name,
        says=says,
        done=done,
        right="each parameter minus rate times its gradient",
        hint=hint,
        loop={"step": wrong},
        **more,
    )


STEPS = (
    _step(
        "learning-rate-forgotten",
        "the learning rate is forgotten",
        "W - dW",
        lambda right, W, b, dW, db, rate: right(W, b, dW, db, 1.0),
    ),
    _step(
        "learning-rate-squared",
        "the learning rate enters twice: it is squared",
        "W - rate^2 dW",
        lambda right, W, b, dW, db, rate: right(W, b, dW, db, rate**2),
    ),
    _step(
        "divided-by-the-learning-rate",
        "the gradient is divided by the learning rate",
        "W - dW / rate",
        lambda right, W, b, dW, db, rate: right(W, b, dW, db, 1 / rate),
    ),
    _step(
        "ascent",
        "the step goes uphill: the gradient is added",
        "W + rate dW",
        lambda right, W, b, dW, db, rate: right(W, b, dW, db, -rate),
        "The gradient points to where the cost grows. Which way do you want to go?",
    ),
    _step(
        "biases-not-updated",
        "the biases are not updated",
        "b stays",
        lambda right, W, b, dW, db, rate: (right(W, b, dW, db, rate)[0], list(b)),
        "The lecture's gradient has a db for each layer as well as a dw",
    ),
    _step(
        "kernels-not-updated",
        "the kernels are not updated",
        "W stays",
        lambda right, W, b, dW, db, rate: (list(W), right(W, b, dW, db, rate)[1]),
    ),
    _step(
        "bias-step-without-learning-rate",
        "the biases are moved without the learning rate",
        "b - db",
        lambda right, W, b, dW, db, rate: (right(W, b, dW, db, rate)[0], right(W, b, dW, db, 1.0)[1]),
    ),
    _step(
        "gradient-for-parameter",
        "the change is returned, not the changed parameters",
        "-rate dW",
        lambda right, W, b, dW, db, rate: right([0 * v for v in W], [0 * v for v in b], dW, db, rate),
    ),
    _step(
        "nothing-updated",
        "nothing changes: the parameters come back as they went in",
        "W",
        lambda right, W, b, dW, db, rate: (list(W), list(b)),
        empty=True,
        hint="Names that are given new values inside a loop do not change the list they came from",
    ),
    _step(
        "only-the-last-layer-updated",
        "only the last layer is updated",
        "W_L - rate dW_L, the others stay",
        lambda right, W, b, dW, db, rate: tuple(
            [*before[:-1], after[-1]] for before, after in zip((W, b), right(W, b, dW, db, rate), strict=True)
        ),
    ),
    Mistake(
        "learning-rate-fixed",
        says="the learning rate is a number of the function's own, not the one it is given",
        done="W - c dW",
        right="each parameter minus rate times its gradient",
        hint="The learning rate is an argument of the function. Where does yours come from?",
        loop=lambda c: {"step": lambda right, W, b, dW, db, rate: right(W, b, dW, db, c)},
        number=(0.1, 0.01),
    ),
    Mistake(
        "weight-decay",
        says="the parameters shrink a little in every step: weight decay, which the assignment does not have",
        done="W - rate (dW + c W)",
        right="each parameter minus rate times its gradient",
        hint=STEP,
        loop=lambda c: {
            "step": lambda right, W, b, dW, db, rate: right(
                W, b, [d + c * w for d, w in zip(dW, W, strict=True)], db, rate
            )
        },
        number=(0.01,),
    ),
    Mistake(
        "weight-decay-on-biases-too",
        says="kernels and biases shrink a little in every step: weight decay, which the assignment does not have",
        done="W - rate (dW + c W), b - rate (db + c b)",
        right="each parameter minus rate times its gradient",
        hint=STEP,
        loop=lambda c: {
            "step": lambda right, W, b, dW, db, rate: right(
                W,
                b,
                [d + c * w for d, w in zip(dW, W, strict=True)],
                [d + c * v for d, v in zip(db, b, strict=True)],
                rate,
            )
        },
        number=(0.01,),
    ),
)


def _loop(
    name: str, says: str, done: str, hint: str = LOOP_HINT, number: tuple[float, ...] = (), **rules: Any
) -> Mistake:
    return Mistake(
        name,
        says=says,
        done=done,
        right="one step for each batch, with its own gradient",
        hint=hint,
        loop=(lambda c: {key: rule(c) for key, rule in rules.items()}) if number else rules,
        number=number,
    )


def _epochwise(change: Callable[[list[Batch]], list[Batch]]) -> Callable[..., list[Batch]]:
    def schedule(right: Any, r: Run) -> list[Batch]:
        return [batch for epoch in epochs(dataclasses.replace(r, batches=right(r))) for batch in change(epoch)]

    return schedule


def updating_while_propagating(
    right: Callable[..., Parameters], r: Run, W: Arrays, b: Arrays, x: Array, y: Array
) -> Parameters:
    """delta goes back through kernels that have already moved."""
    rule, moves = r.network.rule, {}

    def remember(p: Pass, l: int, delta: Array, dz_dW: Array) -> Array:
        moves[l] = rule.kernel_gradient(p, l, delta, dz_dW)
        return moves[l]

    def moved(p: Pass, l: int) -> Array:
        return rule.input_slope(p, l) - r.learning_rate * rule.average(p, moves[l])

    wrong = dataclasses.replace(rule, kernel_gradient=remember, input_slope=moved)
    network = dataclasses.replace(r.network, rule=wrong)
    return right(dataclasses.replace(r, network=network), W, b, x, y)


def _unless_the_epoch_begins(r: Run) -> Callable[[int], float]:
    """For `piled_up`: what is kept when the present step comes, all or nothing."""
    return lambda k: float(epoch_and_place(r)[1] > 0)


def _sums_piled_up(r: Run, keep: Callable[[int], float]) -> Parameters:
    """The sums over the samples of all batches on one pile, divided by the size of the present batch."""
    sums = piled_up(r, keep, weight=lambda k: len(r.batches[k]))
    return combined([sums], [1 / len(r.batches[len(r.gradients) - 1])])


LOOPS = (
    _loop(
        "last-partial-batch-dropped",
        "the last, smaller batch of each epoch is dropped",
        "batches of full size only",
        schedule=_epochwise(lambda epoch: [batch for batch in epoch if len(batch) == max(map(len, epoch))]),
    ),
    _loop(
        "partial-batch-divided-by-the-full-size",
        "the smaller batch's sum is divided by the full batch size",
        "sum over the m samples / the full batch size",
        "Divide by the number of samples that are in this batch",
        gradient=lambda right, r, W, b, x, y: combined([right(r, W, b, x, y)], [len(x) / largest_batch(r)]),
    ),
    _loop(
        "divided-by-the-training-set",
        "the batch's sum is divided by the size of the whole training set",
        "sum over the batch / N",
        "The average is over the samples of the batch, not over all there are",
        gradient=lambda right, r, W, b, x, y: combined([right(r, W, b, x, y)], [len(x) / len(r.x)]),
    ),
    _loop(
        "first-batch-skipped",
        "the first batch is skipped",
        "batches[1:]",
        schedule=lambda right, r: right(r)[1:],
    ),
    _loop(
        "first-batch-of-each-epoch-skipped",
        "the first batch of each epoch is skipped",
        "batches[1:] of each epoch",
        schedule=_epochwise(lambda epoch: epoch[1:]),
    ),
    _loop(
        "last-batch-skipped",
        "the last batch is skipped",
        "batches[:-1]",
        schedule=lambda right, r: right(r)[:-1],
    ),
    _loop(
        "one-batch-per-epoch",
        "only one batch of each epoch is used",
        "a return, or an update, at the wrong depth of the loop",
        schedule=_epochwise(lambda epoch: epoch[:1]),
    ),
    _loop(
        "only-the-last-batch-of-each-epoch",
        "only the last batch of each epoch has an effect",
        "the update stands behind the loop over the batches",
        schedule=_epochwise(lambda epoch: epoch[-1:]),
    ),
    _loop(
        "only-the-first-batch",
        "only the first batch is used: the function returns inside the loop",
        "return within the loop",
        schedule=lambda right, r: right(r)[:1],
    ),
    _loop(
        "only-the-last-batch",
        "only the last batch has an effect: each step starts again from the first parameters",
        "W = W_0 - rate dW, in every round",
        "The next step begins where the last one ended",
        schedule=lambda right, r: right(r)[-1:],
    ),
    _loop(
        "slice-short-by-one",
        "each batch lacks its last sample: the slice is short by one",
        "batch[:-1]",
        schedule=lambda right, r: [batch[:-1] if len(batch) > 1 else batch for batch in right(r)],
    ),
    _loop(
        "slice-short-at-the-front",
        "each batch lacks its first sample",
        "batch[1:]",
        schedule=lambda right, r: [batch[1:] if len(batch) > 1 else batch for batch in right(r)],
    ),
    _loop(
        "one-step-for-each-sample",
        "a step is made for every sample, not for every batch",
        "the update stands inside the loop over the samples",
        schedule=lambda right, r: [batch[i : i + 1] for batch in right(r) for i in range(len(batch))],
    ),
    _loop(
        "gradients-never-reset",
        "the gradients of all batches so far pile up: the sum is never set back to zero",
        "dW += ..., never dW = 0",
        "The average is over the samples of this batch. What is in your sums when a batch begins?",
        direction=lambda right, r: piled_up(r, lambda k: 1.0),
    ),
    _loop(
        "gradients-reset-once-an-epoch",
        "the gradients of an epoch's batches pile up: the sum is set back to zero once an epoch only",
        "dW += ..., dW = 0 before the epoch",
        "The average is over the samples of this batch. What is in your sums when a batch begins?",
        direction=lambda right, r: piled_up(r, _unless_the_epoch_begins(r)),
    ),
    _loop(
        "sums-never-reset",
        "the sums over the samples of all batches so far pile up, and are divided by this batch's size",
        "dW += ... for each sample, never dW = 0",
        "The average is over the samples of this batch. What is in your sums when a batch begins?",
        direction=lambda right, r: _sums_piled_up(r, lambda k: 1.0),
    ),
    _loop(
        "sums-reset-once-an-epoch",
        "the sums over the samples of an epoch's batches pile up, and are divided by this batch's size",
        "dW += ... for each sample, dW = 0 before the epoch",
        "The average is over the samples of this batch. What is in your sums when a batch begins?",
        direction=lambda right, r: _sums_piled_up(r, _unless_the_epoch_begins(r)),
    ),
    _loop(
        "momentum",
        "earlier gradients still push: momentum, which the assignment does not have",
        "v = c v + dW; W - rate v",
        "Plain gradient descent follows the present gradient only",
        number=(0.9, 0.99, 0.5),
        direction=lambda c: lambda right, r: piled_up(r, lambda k: c),
    ),
    _loop(
        "momentum-as-mean",
        "a running mean of the gradients is followed: momentum, which the assignment does not have",
        "v = c v + (1 - c) dW; W - rate v",
        "Plain gradient descent follows the present gradient only",
        number=(0.9, 0.99, 0.5),
        direction=lambda c: lambda right, r: piled_up(r, lambda k: c, weight=lambda k: 1 - c),
    ),
    _loop(
        "learning-rate-decays-with-each-step",
        "the learning rate shrinks from step to step, unasked",
        "rate * c^step",
        "The learning rate of the assignment is the same for all steps",
        number=(0.9, 0.99, 0.5),
        rate=lambda c: lambda right, r: right(r) * c ** (len(r.gradients) - 1),
    ),
    _loop(
        "learning-rate-decays-before-each-step",
        "the learning rate shrinks from step to step, unasked, and before the first one already",
        "rate * c^(step + 1)",
        "The learning rate of the assignment is the same for all steps",
        number=(0.9, 0.99, 0.5),
        rate=lambda c: lambda right, r: right(r) * c ** len(r.gradients),
    ),
    _loop(
        "learning-rate-decays-with-each-epoch",
        "the learning rate shrinks from epoch to epoch, unasked",
        "rate * c^epoch",
        "The learning rate of the assignment is the same for all steps",
        number=(0.9, 0.99, 0.5),
        rate=lambda c: lambda right, r: right(r) * c ** epoch_and_place(r)[0],
    ),
    _loop(
        "learning-rate-divided-by-time",
        "the learning rate shrinks as one over the number of steps, unasked",
        "rate / (1 + c * step)",
        "The learning rate of the assignment is the same for all steps",
        number=(1.0, 0.1),
        rate=lambda c: lambda right, r: right(r) / (1 + c * (len(r.gradients) - 1)),
    ),
    _loop(
        "learning-rate-divided-by-time-from-one",
        "the learning rate shrinks as one over the number of steps, unasked, and before the first one already",
        "rate / (1 + c * (step + 1))",
        "The learning rate of the assignment is the same for all steps",
        number=(1.0, 0.1),
        rate=lambda c: lambda right, r: right(r) / (1 + c * len(r.gradients)),
    ),
    _loop(
        "gradients-at-the-first-weights",
        "all gradients are taken at the first parameters",
        "dW at W_0, in every step",
        "After a step the network is another one: forward and backward pass are made anew",
        point=lambda right, r: r.parameters[0],
    ),
    _loop(
        "gradients-at-the-epochs-first-weights",
        "the gradients of an epoch are all taken at the parameters it began with",
        "dW at the epoch's first W",
        "After a step the network is another one: forward and backward pass are made anew",
        point=lambda right, r: r.parameters[-1 - epoch_and_place(r)[1]],
    ),
    _loop(
        "labels-not-taken-with-the-batch",
        "the targets are not those of the batch's samples, but the first ones of the list",
        "x[batch] with y[:m]",
        "x and y belong together, row by row",
        samples=lambda right, r, batch: (right(r, batch)[0], r.y[: len(batch)]),
    ),
    _loop(
        "batches-ignored",
        "the given batches are ignored: the samples are taken in the order of the list",
        "x[0:4], x[4:8], ...",
        "The batches hold the numbers of the samples to use",
        schedule=lambda right, r: [
            np.arange(start, start + len(batch)) % len(r.x)
            for start, batch in zip(np.cumsum([0, *map(len, right(r)[:-1])]) % len(r.x), right(r), strict=True)
        ],
    ),
    _loop(
        "every-batch-the-whole-set",
        "every step uses all samples: the batch is not selected",
        "x, y for x[batch], y[batch]",
        "The batches hold the numbers of the samples to use",
        schedule=lambda right, r: [np.arange(len(r.x))] * len(right(r)),
    ),
    _loop(
        "the-same-order-every-epoch",
        "every epoch uses the first one's batches again",
        "the batches of epoch 1, twice",
        "The given batches go on over all epochs, each with an order of its own",
        schedule=lambda right, r: [
            epochs(r)[0][place] if place < len(epochs(r)[0]) else batch
            for epoch in epochs(r)
            for place, batch in enumerate(epoch)
        ],
    ),
    _loop(
        "one-epoch-only",
        "only the first epoch is trained",
        "return after the first epoch",
        schedule=lambda right, r: epochs(r)[0],
    ),
    _loop(
        "updating-while-propagating",
        "a kernel is updated before delta has gone back through it",
        "W_l moved, then delta_(l-1) = delta_l W_l^T",
        "All gradients belong to the parameters of the forward pass. In which order do you update and go back?",
        gradient=updating_while_propagating,
    ),
)

LOOP = (*STEPS, *LOOPS)
