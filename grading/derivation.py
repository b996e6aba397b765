"""From a problem to the numbers that a question asks for: by the right derivation, or by one with a mistake in it.

A `Derivation` is the manual module with every rule replaceable: the network's (activations, the chain rule), the
loop's, and the cost of a batch. `answer` computes from it what any question wants, on any probe. The catalogue of
mistakes replaces rules; nothing is derived a second time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np

from backprop.compare import norm
from backprop.descent import Descent, train
from backprop.functions import Activation, Array, softmax
from backprop.network import ChainRule, Network, Pass, backward, batch_cost, forward
from grading.layout import LISTS
from grading.probes import Probe

Quantities: TypeAlias = dict[str, Any]
"""Arrays, lists of arrays and numbers under the assignment's words: `kernels`, `zs`, `bias_gradients`, ..."""

T = TypeVar("T", ChainRule, Descent)

Rules: TypeAlias = Mapping[str, Callable[..., Any]]
"""Wrong rules by the name of the right one, which each is given as its first argument."""


@dataclass(frozen=True)
class Derivation:
    """The rules by which answers are computed.

    Attributes:
        chain: wrong rules of the chain rule, by `ChainRule`'s names, innermost first.
        loop: wrong rules of the loop, by `Descent`'s names.
        activation: takes the right activation, the layer's number, counted from the end (-1 is the output), and whether
            the layer has the hidden layers' activation.
        cost: takes the right cost of a batch, (network, a, y) -> number, then its arguments.
        output: takes the right function from the last layer's activations to what a student calls so, then these.
        returned: takes the identity, then the quantities about to be returned, and gives them back spoilt.
    """

    chain: tuple[Rules, ...] = ()
    loop: tuple[Rules, ...] = ()
    activation: tuple[Callable[..., Activation], ...] = ()
    cost: tuple[Callable[..., Array], ...] = ()
    output: tuple[Callable[..., Array], ...] = ()
    returned: tuple[Callable[..., Quantities], ...] = ()

    def network(self, right: Network) -> Network:
        """The network with its wrong rules."""
        activations = list(right.activations)
        like_hidden = [s == right.activations[0] for s in right.activations]
        for wrong in self.activation:
            activations = [wrong(s, l - len(activations), like_hidden[l]) for l, s in enumerate(activations)]
        return Network(tuple(activations), right.cost, _replace_rules(ChainRule(), self.chain))

    def descent(self) -> Descent:
        """The loop with its wrong rules."""
        return _replace_rules(Descent(), self.loop)


def _replace_rules(rules: T, wrong: tuple[Rules, ...]) -> T:
    for names in wrong:
        changes = {name: partial(function, getattr(rules, name)) for name, function in names.items()}
        rules = dataclasses.replace(rules, **changes)
    return rules


def compose(right: Callable[..., Any], wrong: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    """The wrong function around the right one: each takes the one before as its first argument."""
    for function in wrong:
        right = partial(function, right)
    return right


RIGHT = Derivation()


@dataclass(frozen=True)
class Asked:
    """What a question wants computed, as far as the numbers depend on it.

    Attributes:
        computes: the kind of question.
        returns: the names of what it returns.
        own_forward: whether the function does the forward pass itself.
        softmax: whether the last activations are shown as probabilities.
    """

    computes: str
    returns: tuple[str, ...]
    own_forward: bool = False
    softmax: bool = False


def given(probe: Probe, shown_as_probabilities: bool) -> Quantities:
    """Everything that a function can be given, from the reference."""
    shown = [*probe.a[:-1], softmax(probe.a[-1])] if shown_as_probabilities else probe.a
    return {
        "kernels": probe.W,
        "biases": probe.b,
        "x": probe.x,
        "y": probe.y,
        "zs": probe.z,
        "activations": shown,
        "a": shown[-1],
        "z": probe.elementwise,
        "kernel_gradients": probe.dW,
        "bias_gradients": probe.db,
        "learning_rate": probe.learning_rate,
        "batches": probe.batches,
        "sizes": list(probe.sizes),
    }


def answer(asked: Asked, probe: Probe, derivation: Derivation = RIGHT) -> Quantities:
    """What the derivation answers to a question, in the manual module's layout.

    Raises:
        Exception: whatever a wrong rule runs into, such as matrices whose shapes do not fit.
    """
    with np.errstate(all="ignore"):
        quantities = _ANSWERS[asked.computes](asked, probe, derivation)
        quantities = compose(lambda quantities: quantities, derivation.returned)(quantities)
    return {name: quantities[name] for name in asked.returns}


def _show(asked: Asked, derivation: Derivation) -> Callable[[Array], Array]:
    return compose(softmax if asked.softmax else lambda a: a, derivation.output)


def _activation(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    # as of a hidden layer: the output's has a question of its own
    network = derivation.network(Network(probe.network.activations[:1] * 2, probe.network.cost))
    return {"values": network.activations[0].function(probe.elementwise)}


def _activation_slope(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    z, right = probe.elementwise, probe.network.activations[0]
    network = derivation.network(Network((right,) * 2, probe.network.cost))
    a = right.function(z)
    p = Pass(network, [], [], [z, z], [z, a, a], z)
    return {"values": network.rule.activation_slope(p, 0)}


def _output_activation(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    return {"values": _show(asked, derivation)(probe.elementwise)}


def _forward(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    z, a = forward(derivation.network(probe.network), probe.W, probe.b, probe.x)
    shown = [*a[:-1], _show(asked, derivation)(a[-1])]
    return {"zs": z, "activations": shown, "output": shown[-1]}


def _cost(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    return {"cost": compose(batch_cost, derivation.cost)(probe.network, probe.a[-1], probe.y)}


def _backward(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    network, z, a = derivation.network(probe.network), probe.z, probe.a
    if asked.own_forward:
        z, a = forward(network, probe.W, probe.b, probe.x)
    dW, db = backward(network, probe.W, probe.b, z, a, probe.y)
    return {"kernel_gradients": dW, "bias_gradients": db}


def _sgd_step(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    W, b = derivation.descent().step(probe.W, probe.b, probe.dW, probe.db, probe.learning_rate)
    return {"kernels": W, "biases": b}


def _train(asked: Asked, probe: Probe, derivation: Derivation) -> Quantities:
    network, descent = derivation.network(probe.network), derivation.descent()
    W, b = train(network, probe.W, probe.b, probe.x, probe.y, probe.batches, probe.learning_rate, descent)
    return {"kernels": W, "biases": b}


_ANSWERS: Mapping[str, Callable[[Asked, Probe, Derivation], Quantities]] = {
    "activation": _activation,
    "activation slope": _activation_slope,
    "output activation": _output_activation,
    "forward": _forward,
    "cost": _cost,
    "backward": _backward,
    "sgd step": _sgd_step,
    "train": _train,
}


# --- two sets of numbers -------------------------------------------------------------------------------------------


def distance(actual: Quantities, reference: Quantities, enough: float = np.inf) -> float:
    """The largest norm-relative difference of any tensor; inf where shapes differ, or what is not finite.

    With `enough` the search ends at the first tensor that is farther than that.
    """
    worst = 0.0
    for name in reference:
        us, vs = arrays(name, actual), arrays(name, reference)
        if len(us) != len(vs):
            return np.inf
        for u, v in zip(us, vs, strict=True):
            worst = max(worst, _difference(np.asarray(u), np.asarray(v)))
            if worst > enough:
                return worst
    return worst


def arrays(name: str, quantities: Quantities) -> list[Any]:
    """A quantity as a list of arrays."""
    return list(quantities[name]) if name in LISTS else [quantities[name]]


def _difference(actual: Array, reference: Array) -> float:
    if actual.shape != reference.shape:
        return np.inf
    difference = actual - reference
    squares = float(np.vdot(difference, difference)), float(np.vdot(reference, reference))
    if not np.isfinite(squares).all():  # numbers that are not finite, or too large to be squared
        finite = np.isfinite(reference)
        if not np.array_equal(np.isfinite(actual), finite):
            return np.inf
        reference = np.where(finite, reference, 0)
        difference = np.where(finite, actual, 0) - reference
        squares = float(norm(difference, difference.ndim)), float(norm(reference, reference.ndim))
        return squares[0] / squares[1] if squares[1] else (np.inf if squares[0] else 0.0)
    return math.sqrt(squares[0] / squares[1]) if squares[1] else (np.inf if squares[0] else 0.0)
