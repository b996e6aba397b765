"""Mistakes on the way there: the activation and its range of numbers, biases, layers, and the cost's value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.functions import ACTIVATIONS, Activation, Array, softmax
from backprop.network import Pass, transpose
from grading.derivation import Quantities
from grading.mistakes.rules import Mistake, only, unless

UNIT = "The lecture: z = w a + b, then a = s(z), in every layer"


def _with_function(activation: Activation, function: Callable[[Array], Array]) -> Activation:
    return dataclasses.replace(activation, function=function)


def _everywhere(function: Callable[[Array], Array]) -> Callable[..., Activation]:
    """Another function wherever the hidden layers' activation is meant."""
    return lambda right, l, like_hidden: _with_function(right, function) if like_hidden else right


def _hidden_not_activated(right: Activation, l: int, like_hidden: bool) -> Activation:
    return right if l == -1 else _with_function(right, lambda z: z)


def _mirrored(right: Activation, l: int, like_hidden: bool) -> Activation:
    return _with_function(right, lambda z: right.function(-z)) if like_hidden else right


def _output_not_activated(right: Activation, l: int, like_hidden: bool) -> Activation:
    return _with_function(right, lambda z: z) if l == -1 else right


def _z_overwritten(right: Callable[..., Quantities], quantities: Quantities) -> Quantities:
    quantities = right(quantities)
    return quantities | {"zs": quantities["activations"][1:]} if "activations" in quantities else quantities


def _overflowing_slope(right: Any, p: Pass, l: int) -> Array:
    e = np.exp(-p.z[l])
    return np.asarray(e / (1 + e) ** 2)


ACTIVATION = (
    Mistake(
        "overflow-in-sigmoid",
        says="e^z is too large a number for large z: infinity over infinity",
        done="e^z / (1 + e^z)",
        right="a form whose exponent is never large",
        hint="Both e^z / (1 + e^z) and 1 / (1 + e^-z) are the sigmoid. Which one survives z = 1000?",
        activation=_everywhere(lambda z: np.exp(z) / (1 + np.exp(z))),
        applies=only(activation="sigmoid"),
    ),
    Mistake(
        "overflow-in-slope",
        says="e^-z is too large a number for large negative z: infinity over infinity",
        done="e^-z / (1 + e^-z)^2",
        right="s(z) (1 - s(z))",
        hint="The derivative can be written with the sigmoid itself, whose values stay between 0 and 1",
        chain={"activation_slope": _overflowing_slope},
        applies=only(activation="sigmoid"),
    ),
    Mistake(
        "overflow-in-softmax",
        says="e^z is too large a number for large logits: infinity over infinity",
        done="e^z / sum of e^z",
        right="the same with the largest logit of the sample subtracted first",
        hint="A constant subtracted from all logits of a sample cancels. Which constant makes every e^z at most 1?",
        output=lambda right, z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
        applies=only(output="softmax"),
    ),
    Mistake(
        "softmax-over-the-batch",
        says="softmax runs over the samples, not over the classes",
        done="p = e^z / sum over the samples of e^z",
        right="p = e^z / sum over the classes of e^z",
        hint="The probabilities of one sample sum to 1. Along which axis do the classes lie?",
        output=lambda right, z: transpose(softmax(transpose(z))),
        applies=only(output="softmax", samples="batch"),
    ),
    Mistake(
        "softmax-over-everything",
        says="softmax runs over the whole batch: all probabilities together sum to 1",
        done="p = e^z / sum of all e^z",
        right="p = e^z / sum over the classes of e^z",
        hint="The probabilities of one sample sum to 1. np.sum without an axis sums over everything",
        output=lambda right, z: softmax(z.reshape(-1)).reshape(z.shape),
        applies=only(output="softmax", samples="batch"),
    ),
    Mistake(
        "sigmoid-of-minus-z",
        says="the sign of the exponent is turned: the sigmoid falls where it should rise",
        done="1 / (1 + e^z)",
        right="1 / (1 + e^-z)",
        hint="The sigmoid of a large positive z is near 1",
        activation=_mirrored,
        applies=only(activation="sigmoid"),
    ),
    *(
        Mistake(
            f"{other}-for-activation",
            says=f"{other} is computed, where the assignment asks for another activation",
            done=f"a = {other}(z)",
            right="a = s(z), the assignment's activation",
            hint="Compare your function at z = -2, 0 and 2 with the curve of the assignment's activation",
            activation=_everywhere(ACTIVATIONS[other].function),
            applies=unless(activation=other),
            convention=f"{other} for the activation",
        )
        for other in ("sigmoid", "tanh", "relu")
    ),
)

FORWARD_PASS = (
    Mistake(
        "bias-missing",
        says="the biases are missing from the forward pass",
        done="z = w a",
        right="z = w a + b",
        hint=f"{UNIT}. While biases are zero, as at the start, you would not notice",
        chain={"weighted_input": lambda right, a, W, b: right(a, W, 0 * b)},
    ),
    Mistake(
        "bias-twice",
        says="the biases are added twice in the forward pass",
        done="z = w a + 2 b",
        right="z = w a + b",
        hint=f"{UNIT}. While biases are zero, as at the start, you would not notice",
        chain={"weighted_input": lambda right, a, W, b: right(a, W, 2 * b)},
    ),
    Mistake(
        "bias-subtracted",
        says="the biases are subtracted",
        done="z = w a - b",
        right="z = w a + b",
        hint=UNIT,
        chain={"weighted_input": lambda right, a, W, b: right(a, W, -b)},
    ),
    Mistake(
        "kernel-transposed-in-forward",
        says="the kernel is transposed in the forward pass: on square layers NumPy does not complain",
        done="z = a W^T + b",
        right="z = a W + b",
        hint=f"{UNIT}. On which axis of the kernel lie the layer's inputs, in the layout of the assignment?",
        chain={"weighted_input": lambda right, a, W, b: right(a, transpose(W), b)},
    ),
    Mistake(
        "output-not-activated",
        says="the last layer has no activation",
        done="a_L = z_L",
        right="a_L = s(z_L)",
        hint=UNIT,
        activation=_output_not_activated,
        output=lambda right, z: z,
        applies=only(output=("sigmoid", "tanh", "relu", "softmax")),
    ),
    Mistake(
        "hidden-not-activated",
        says="the hidden layers have no activation",
        done="a_l = z_l",
        right="a_l = s(z_l)",
        hint=UNIT,
        activation=_hidden_not_activated,
        applies=only(activation=("sigmoid", "tanh", "relu")),
    ),
    Mistake(
        "nothing-activated",
        says="no layer has an activation",
        done="a_l = z_l, in every layer",
        right="a_l = s(z_l)",
        hint=UNIT,
        activation=lambda right, l, like_hidden: _with_function(right, lambda z: z),
        output=lambda right, z: z,
        applies=only(activation=("sigmoid", "tanh", "relu"), output=("sigmoid", "tanh", "relu")),
    ),
    Mistake(
        "output-gets-the-hidden-activation",
        says="the last layer has the hidden layers' activation, not its own",
        done="a_L = s(z_L) of the hidden layers",
        right="a_L of the assignment's output activation",
        hint="The assignment names two activations. Which one belongs to the last layer?",
        output=lambda right, z: ACTIVATIONS["relu"].function(z),
        applies=only(activation="relu", output="softmax"),
    ),
    Mistake(
        "z-and-a-the-same-array",
        says="the returned z of a layer is its activation: one was overwritten by the other",
        done="zs = the activations",
        right="z and a = s(z) are both kept",
        hint="The way back needs z as well as a. Does an operation in place change an array that is kept?",
        returned=_z_overwritten,
    ),
)


def _cost(name: str, says: str, done: str, wrong: Any, **more: Any) -> Mistake:
    more.setdefault("right", "C = mean over the samples of the assignment's cost")
    more.setdefault("hint", "The lecture's cost of one sample is a sum over j; a batch costs the mean over its samples")
    return Mistake(name, says=says, done=done, cost=wrong, **more)


def _times_log(y: Array, p: Array) -> Array:
    """y log(p), and 0 where y is 0."""
    return y * np.log(np.where(y > 0, p, 1.0))


COST = (
    _cost(
        "half-cost",
        "the cost is half of what the assignment states",
        "C = 1/2 sum of (a - y)^2",
        lambda right, network, a, y: right(network, a, y) / 2,
        applies=only(cost="squared-error"),
        convention="half the squared error",
    ),
    _cost(
        "cost-without-its-half",
        "the cost has lost its 1/2",
        "C = sum of (a - y)^2",
        lambda right, network, a, y: right(network, a, y) * 2,
        applies=only(cost="half-squared-error"),
        convention="the squared error without its 1/2",
    ),
    _cost(
        "cost-summed-over-the-batch",
        "the cost is summed over the batch, not averaged",
        "C = sum over the samples",
        lambda right, network, a, y: right(network, a, y) * len(y),
        applies=only(samples="batch"),
        convention="the cost summed over the batch",
    ),
    _cost(
        "cost-averaged-over-classes-too",
        "the cost is averaged over the output units too",
        "C = the assignment's cost / n_L",
        lambda right, network, a, y: right(network, a, y) / y.shape[-1],
        convention="the cost averaged over the output units",
    ),
    _cost(
        "cost-averaged-over-classes-not-samples",
        "the cost is averaged over the output units and summed over the samples",
        "C = sum over the samples / n_L",
        lambda right, network, a, y: right(network, a, y) * len(y) / y.shape[-1],
        applies=only(samples="batch"),
    ),
    _cost(
        "cost-not-squared",
        "the differences are not squared but taken by their size",
        "C = sum of |a - y|",
        lambda right, network, a, y: np.abs(a - y).sum(axis=-1).mean(),
        applies=only(cost="squared-error"),
    ),
    _cost(
        "cost-rooted",
        "a square root is taken of the sum: that is a distance, not the squared error",
        "C = sqrt of the sum of (a - y)^2, averaged",
        lambda right, network, a, y: np.sqrt(((a - y) ** 2).sum(axis=-1)).mean(),
        applies=only(cost="squared-error"),
    ),
    _cost(
        "sum-squared",
        "the differences are summed before they are squared",
        "C = (sum of (a - y))^2",
        lambda right, network, a, y: ((a - y).sum(axis=-1) ** 2).mean(),
        hint="The square stands inside the lecture's sum over j",
        applies=only(cost="squared-error"),
    ),
    _cost(
        "cost-sign",
        "the cost's sign is turned",
        "-C",
        lambda right, network, a, y: -right(network, a, y),
    ),
    _cost(
        "log-of-zero",
        "the logarithm of 0 is taken where a probability is 0: 0 times infinity is no number",
        "-sum of y log(p), with p = 0",
        lambda right, network, a, y: -(y * np.log(softmax(a))).sum(axis=-1).mean(),
        hint="Where y is 0 the term is 0, whatever p is. What does NumPy make of 0 * log(0)?",
        applies=only(cost="cross-entropy"),
    ),
    Mistake(
        "guard-in-the-logarithm",
        says="the number added inside the logarithm is so large that it changes the cost",
        done="-sum of y log(p + c)",
        right="-sum of y log(p)",
        hint="A guard against log(0) must be far smaller than any probability that matters, such as 1e-15",
        cost=lambda c: lambda right, network, a, y: -(y * np.log(softmax(a) + c)).sum(axis=-1).mean(),
        applies=only(cost="cross-entropy"),
        number=(1e-8, 1e-5, 1e-3),
    ),
    _cost(
        "cost-of-the-other-kind",
        "the squared error is computed, where the assignment asks for cross-entropy",
        "C = sum of (p - y)^2",
        lambda right, network, a, y: ((softmax(a) - y) ** 2).sum(axis=-1).mean(),
        hint="The cross-entropy is made of logarithms of the probabilities",
        applies=only(cost="cross-entropy"),
    ),
    _cost(
        "binary-cross-entropy",
        "the terms (1 - y) log(1 - p) of the binary cross-entropy are added",
        "C = -sum of y log(p) + (1 - y) log(1 - p)",
        lambda right, network, a, y: right(network, a, y) - _times_log(1 - y, 1 - softmax(a)).sum(axis=-1).mean(),
        hint="With softmax there is one distribution over all classes: only the log of each class's own probability",
        applies=only(cost="cross-entropy"),
    ),
)

FORWARD = (*ACTIVATION, *FORWARD_PASS, *COST)
