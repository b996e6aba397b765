"""The factors of the chain rule as numbers: what `backward` computes on its way, kept for people to look at."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backprop.functions import Array
from backprop.network import Arrays, Network, backward


@dataclass(frozen=True)
class Factors:
    """One layer's, by the names of `backprop.network`.

    Attributes:
        dC_da: (..., B, n_l+1), of the output layer the cost's slope, else the sum over paths.
        da_dz: (..., B, n_l+1).
        delta: (..., B, n_l+1), dC/dz.
        dz_dW: (..., B, n_l).
        dz_db: (..., B, 1).
        dz_da: (..., n_l, n_l+1); None for the first layer, whose inputs are not learned.
        dW: (..., n_l, n_l+1), the kernel's gradient.
        db: (..., n_l+1), the bias's gradient.
    """

    dC_da: Array
    da_dz: Array
    delta: Array
    dz_dW: Array
    dz_db: Array
    dz_da: Array | None
    dW: Array
    db: Array


def backward_with_factors(network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array) -> list[Factors]:
    """The backward pass, with all its factors: `backward` itself does it, by rules that write down what they return.

    Args:
        network, W, b, z, a, y: as for `backward`.

    Returns:
        One `Factors` for each layer, from the input's side.

    Example, the lecture's chain with one unit a layer, as in `backward`:
        >>> import numpy as np
        >>> from backprop.network import forward
        >>> chain = Network.from_names(["sigmoid", "sigmoid"], "squared-error")
        >>> W, b = [np.array([[2.0]]), np.array([[-1.0]])], [np.array([0.0]), np.array([0.5])]
        >>> z, a = forward(chain, W, b, np.array([[0.0]]))
        >>> hidden, output = backward_with_factors(chain, W, b, z, a, np.array([[1.0]]))
        >>> output.dC_da, output.da_dz, output.dz_dW  # 2 (a - y), s'(0), a of the layer before
        (array([[-1.]]), array([[0.25]]), array([[0.5]]))
        >>> hidden.dC_da  # -1 * 0.25 * w
        array([[0.25]])
    """
    returned: list[dict[str, Array]] = [{} for _ in W]

    def noting(name: str) -> Callable[..., Array]:
        rule = getattr(network.rule, name)

        def note(p: Any, l: int, *factors: Array) -> Array:
            returned[l][name] = rule(p, l, *factors)
            return returned[l][name]

        return note

    by_layer = ("activation_slope", "kernel_slope", "bias_slope", "input_slope", "unit_error", "sum_over_paths")
    slopes = []

    def cost_slope(p: Any) -> Array:
        slopes.append(network.rule.cost_slope(p))
        return slopes[-1]

    rule = dataclasses.replace(network.rule, cost_slope=cost_slope, **{name: noting(name) for name in by_layer})
    dW, db = backward(dataclasses.replace(network, rule=rule), W, b, z, a, y)
    return [
        Factors(
            dC_da=slopes[0] if l == len(W) - 1 else returned[l + 1]["sum_over_paths"],
            da_dz=of_layer["activation_slope"],
            delta=of_layer["unit_error"],
            dz_dW=of_layer["kernel_slope"],
            dz_db=of_layer["bias_slope"],
            dz_da=of_layer.get("input_slope"),
            dW=dW[l],
            db=db[l],
        )
        for l, of_layer in enumerate(returned)
    ]
