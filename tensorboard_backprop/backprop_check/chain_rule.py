"""The chain rule of one weight, with its numbers, and where it breaks.

The gradient of the weight w_jk from input k to unit j of a layer is, for each sample,

    dC/dw_jk = dC/da_j * da_j/dz_j * dz_j/dw_jk

and for the batch the mean of these products. A run keeps the factors as the manual module computed them. So each step
of that computation can be done again from the numbers that went into it: these steps are the *links* of the chain. A
link that does not hold is where the manual module puts its factors together wrongly.

Pure NumPy, in float64 whatever the run used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from backprop_check.format import About, Array, KeptStep

ROUNDING = 256
"""How many units in the last place of what a link adds up are put down to rounding: 3e-5 of it in float32. The mildest
mistake that people really make is about a hundred times as large."""

Terms: TypeAlias = tuple[Array, Array]
"""Two arrays that a link subtracts from each other: the size of both tells what rounding may do."""


def softmax(z: Array) -> Array:
    """Logits to probabilities, along the last axis."""
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


COST_SLOPES: dict[str, Callable[[Array, Array], Terms]] = {
    "squared-error": lambda a, y: (2 * a, 2 * y),
    "cross-entropy": lambda a, y: (softmax(a), y),
}
"""dC/da of the output layer from its activations and the targets, (B, n) each."""

ACTIVATION_SLOPES: dict[str, Callable[[Array], Terms]] = {
    "sigmoid": lambda a: (a, a**2),
    "tanh": lambda a: (np.ones_like(a), a**2),
    "relu": lambda a: (np.where(a > 0, 1.0, 0.0), np.zeros_like(a)),
    "linear": lambda a: (np.ones_like(a), np.zeros_like(a)),
}
"""da/dz, from the activation a = s(z): of the sigmoid, a (1 - a)."""


@dataclass(frozen=True)
class Link:
    """One step of a layer's chain rule, done again for all units, and all samples.

    Attributes:
        name: of what it gives: "dC_da", "da_dz", "delta", "dz_db", "kernel" or "bias".
        holds: whether the run has the same numbers; (B, units), for dz_db (B, 1), for a gradient its shape.
        broken: what is to be said where it has not.
    """

    name: str
    holds: Array
    broken: str


@dataclass(frozen=True)
class Paths:
    """How a hidden unit's dC/da came about: unit j reaches the cost through every unit i of the next layer.

    Attributes:
        layer: the next layer's name.
        delta: (B, n), of its units.
        weights: (n,), from unit j to each of them.
        terms: (B, n), delta times weight: their sum over i should be dC/da_j.
    """

    layer: str
    delta: Array
    weights: Array
    terms: Array


@dataclass(frozen=True)
class CostSlope:
    """How an output unit's dC/da came about.

    Attributes:
        cost: its name.
        a: (B,), the unit's activation; a logit for the cross-entropy.
        y: (B,), its target.
        probability: (B,), the softmax of the logits; None for other costs.
        slope: (B,), what dC/da_j should be; None for a cost of which nothing is known here.
    """

    cost: str
    a: Array
    y: Array
    probability: Array | None
    slope: Array | None


@dataclass(frozen=True)
class Explanation:
    """The chain rule of one weight or bias.

    Attributes:
        dC_da, da_dz, delta, dz_dw: (B,), the factors as the manual module computed them. For a bias, dz_dw is dz/db.
        product: (B,), dC_da * da_dz * dz_dw.
        mean: of the products over the batch.
        manual: the manual module's gradient: it should be the mean.
        tape: the tape's gradient.
        origin: how dC_da came about.
        holds: by the name of each link that leads to this weight: for each sample, or for the batch, whether it holds.
        broken: what is to be said of those that do not.
        broken_later: the same for the layers after this one: their errors come back along the paths.
        agrees: whether the gradient of the whole kernel, or bias, agrees with the tape's.
        conclusion: what the links say about that.
    """

    dC_da: Array
    da_dz: Array
    delta: Array
    dz_dw: Array
    product: Array
    mean: float
    manual: float
    tape: float
    origin: Paths | CostSlope
    holds: dict[str, Array]
    broken: list[str]
    broken_later: list[str]
    agrees: bool
    conclusion: str


def explain(about: About, step: KeptStep, layer: int, unit: int, input: int | None) -> Explanation:
    """Write out the chain rule of one weight.

    Args:
        about: of the run.
        step: the kept step.
        layer: l, from 0.
        unit: j, from 0.
        input: k, from 0; None for the unit's bias.
    """
    dC_da, da_dz, delta = (_factor(step, name, layer)[:, unit] for name in ("dC_da", "da_dz", "delta"))  # (B,)
    dz_dw = _factor(step, "dz_db", layer)[:, 0] if input is None else _factor(step, "dz_dW", layer)[:, input]  # (B,)
    tape, manual = step.biases[layer][:, unit] if input is None else step.kernels[layer][:, input, unit]
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        product = dC_da * da_dz * dz_dw
        mean = float(product.mean())
        is_last = layer == len(about.layers) - 1
        origin = _cost_slope(about, step, unit) if is_last else _paths(about, step, layer, unit)
    own_links = {
        link.name: (link, _of_weight(link, unit, input))
        for link in links(about, step, layer)
        if link.name not in (("dz_db", "bias") if input is not None else ("kernel",))
    }
    broken = [link.broken for link, holds in own_links.values() if not holds.all()]
    broken_later = [text for l in range(layer + 1, len(about.layers)) for text in broken_links(about, step, l)]
    agrees = bool(step.errors[2 * layer + (input is None)] <= about.tolerance)
    return Explanation(
        dC_da=dC_da,
        da_dz=da_dz,
        delta=delta,
        dz_dw=dz_dw,
        product=product,
        mean=mean,
        manual=float(manual),
        tape=float(tape),
        origin=origin,
        holds={name: holds for name, (_, holds) in own_links.items()},
        broken=broken,
        broken_later=broken_later,
        agrees=agrees,
        conclusion=_conclusion(agrees, bool(broken), bool(broken_later)),
    )


def broken_links(about: About, step: KeptStep, layer: int) -> list[str]:
    """What is to be said of the links of a layer that do not hold for some unit or sample; empty where all do."""
    return [link.broken for link in links(about, step, layer) if not link.holds.all()]


def links(about: About, step: KeptStep, layer: int) -> list[Link]:
    """Do each step of a layer's chain rule again, from the cost's side.

    Where nothing is known here of the run's cost or activation, the link that needs it is left out.
    """
    name, is_last = about.layers[layer], layer == len(about.layers) - 1
    dC_da, da_dz, delta = (_factor(step, factor, layer) for factor in ("dC_da", "da_dz", "delta"))  # (B, units)
    dz_dW, dz_db = _factor(step, "dz_dW", layer), _factor(step, "dz_db", layer)  # (B, inputs), (B, 1)
    found: list[Link] = []

    def compare(link: str, stored: Array, computed: Array, size: Array, broken: str) -> None:
        found.append(Link(link, _same(stored, computed, size, step.kernels[layer].dtype), f"{name}: {broken}"))

    with np.errstate(all="ignore"):  # what is not finite is compared as it is
        if is_last:
            a, source = step.outputs.astype(np.float64), "the network's outputs"
            if about.cost in COST_SLOPES:
                plus, minus = COST_SLOPES[about.cost](a, step.targets.astype(np.float64))
                broken = f"dC/da is not the slope of the {about.cost} cost"
                compare("dC_da", dC_da, plus - minus, np.abs(plus) + np.abs(minus), broken)
        else:
            next_layer = about.layers[layer + 1]
            a, source = _factor(step, "dz_dW", layer + 1), f"the activations that enter {next_layer}"
            next_delta, w = _factor(step, "delta", layer + 1), _factor(step, "dz_da", layer + 1)
            broken = f"dC/da is not the sum over the paths through {next_layer}"
            compare("dC_da", dC_da, next_delta @ w.T, np.abs(next_delta) @ np.abs(w).T, broken)

        if about.activations[layer] in ACTIVATION_SLOPES:
            plus, minus = ACTIVATION_SLOPES[about.activations[layer]](a)
            broken = f"da/dz is not the slope of {about.activations[layer]} at {source}"
            compare("da_dz", da_dz, plus - minus, np.abs(plus) + np.abs(minus), broken)

        product = dC_da * da_dz
        compare("delta", delta, product, np.abs(product), "delta is not dC/da times da/dz")

        ones = np.ones_like(dz_db)
        compare("dz_db", dz_db, ones, ones, "dz/db is not 1")

        mean, size = dz_dW.T @ delta / len(delta), np.abs(dz_dW).T @ np.abs(delta) / len(delta)
        broken = "the manual kernel gradient is not the mean of delta times dz/dw over the batch"
        compare("kernel", step.kernels[layer][1], mean, size, broken)

        mean, size = (dz_db * delta).mean(axis=0), np.abs(dz_db * delta).mean(axis=0)
        broken = "the manual bias gradient is not the mean of delta times dz/db over the batch"
        compare("bias", step.biases[layer][1], mean, size, broken)
    return found


def _factor(step: KeptStep, name: str, layer: int) -> Array:
    """In float64. The first layer's dz_da, which there is not, must not be asked for."""
    return np.asarray(step.factors[name][layer], np.float64)


def _same(stored: Array, computed: Array, size: Array, dtype: np.dtype) -> Array:
    """Where two arrays are equal but for rounding. Infinities of one sign are equal, and so are two NaNs.

    Args:
        stored: by the run.
        computed: here.
        size: the sum of the absolute values of what was added up.
        dtype: of the run.
    """
    info = np.finfo(dtype)
    near = np.abs(stored - computed) <= ROUNDING * float(info.eps) * size + float(info.tiny)
    return (near & np.isfinite(size)) | (stored == computed) | (np.isnan(stored) & np.isnan(computed))


def _of_weight(link: Link, unit: int, input: int | None) -> Array:
    """What a link of the layer says of one weight: (B,), or () for a gradient."""
    if link.name == "kernel":
        return link.holds[input, unit]
    if link.name == "dz_db":
        return link.holds[:, 0]
    return link.holds[..., unit]


def _paths(about: About, step: KeptStep, layer: int, unit: int) -> Paths:
    delta, weights = _factor(step, "delta", layer + 1), _factor(step, "dz_da", layer + 1)[unit]
    return Paths(about.layers[layer + 1], delta, weights, delta * weights)


def _cost_slope(about: About, step: KeptStep, unit: int) -> CostSlope:
    a, y = step.outputs.astype(np.float64), step.targets.astype(np.float64)
    slope = None
    if about.cost in COST_SLOPES:
        plus, minus = COST_SLOPES[about.cost](a, y)
        slope = (plus - minus)[:, unit]
    probability = softmax(a)[:, unit] if about.cost == "cross-entropy" else None
    return CostSlope(about.cost, a[:, unit], y[:, unit], probability, slope)


def _conclusion(agrees: bool, is_broken: bool, is_broken_later: bool) -> str:
    if is_broken:
        found = "The chain is broken here, in the manual module's own numbers"
        return f"{found}." if not agrees else f"{found}, although this layer's gradient agrees with the tape's."
    if agrees:
        return "Every link of this chain holds, and the layer's gradient agrees with the tape's."
    if is_broken_later:
        return "The chain is broken in a later layer: its error comes back to this weight along the paths."
    return (
        "Every link holds for the manual module's own numbers, and yet the tape differs: a number that the chain "
        "starts from must be wrong, such as an activation (dz/dw) or a weight (dz/da)."
    )
