"""Backpropagation by hand: the lecture's derivation, in NumPy.

Three functions do the work of the whole lecture:

    forward     x -> z, a         the network's answer, and all that the way back will need
    backward    z, a, y -> dW, db the gradient of the cost, by the chain rule
    sgd_step    W, b, dW, db -> W, b   one nudge downhill

**Letters.** They are the lecture's. Layer l takes the activations of the layer before and computes

    z = a_before @ W + b        a = s(z)

Three things differ from the lecture's notation, and they are told here once:

1.  *Rows are samples.* `x` is (B, n_0): B images, one a row. So `a @ W` replaces the lecture's `w a`, and the kernel
    `W[l][k, j]` is the lecture's w_jk, the weight from unit k to unit j: (inputs, outputs), as in Keras, the transpose
    of the lecture's matrix.
2.  *Python counts from 0.* `W[0]`, `b[0]`, `z[0]` belong to the first layer after the input. The list `a` begins with
    the input, so `a[l]` enters layer l and `a[l + 1]` leaves it: `z[l] = a[l] @ W[l] + b[l]`, `a[l + 1] = s(z[l])`.
3.  *Many steps at once.* All arrays may carry more axes in front: kernels (K, inputs, outputs) with samples
    (K, B, inputs) are K networks, each on a batch of its own. `@` does the rest. In the comments below these axes
    are the dots of `(..., B, n)`.

**Cost.** C is the cost of one sample; the batch costs the mean over its B samples. `average` is the only line where
that 1/B enters the gradient.

**Factors.** The chain rule for a weight of the last layer reads

    dC/dw_jk = dC/da_j * da_j/dz_j * dz_j/dw_jk

Each factor, and each way in which they are put together, is a function of its own below; `ChainRule` holds them, and
`backward` calls them. A factor takes what is known (`p`) and the layer (`l`); the functions that put factors together
take those too, needed or not, and then what they combine. To see what becomes of a gradient when one of them is wrong,
replace it:

    wrong = dataclasses.replace(network, rule=ChainRule(cost_slope=lambda p: p.a[-1] - p.y))  # the 2 is missing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from backprop.functions import ACTIVATIONS, COSTS, Activation, Array, Cost, look_up

Arrays: TypeAlias = Sequence[Array]
"""One array for each layer, from the input's side."""


@dataclass(frozen=True)
class Pass:
    """All that is known when the way back begins: the factors of the chain rule are functions of this.

    Attributes:
        network: which activations, which cost.
        W: kernels, (..., n_l, n_l+1) each.
        b: biases, (..., n_l+1) each.
        z: weighted inputs, (..., B, n_l+1) each.
        a: activations, (..., B, n_l) each, beginning with the input x: one more than z.
        y: targets, (..., B, n_L).
    """

    network: Network
    W: Arrays
    b: Arrays
    z: Arrays
    a: Arrays
    y: Array


# --- the unit ---------------------------------------------------------------------------------------------------


def weighted_input(a: Array, W: Array, b: Array) -> Array:
    """z_j = sum_k w_jk a_k + b_j, the linear regression inside each unit."""
    return a @ W + b[..., np.newaxis, :]  # (..., B, n_l+1)


# --- the factors of the chain rule: its derivatives, the activation's and the cost's ------------------------------


def cost_slope(p: Pass) -> Array:
    """dC/da_j of the output layer: 2 (a_j - y_j) for the lecture's cost."""
    return p.network.cost.slope(p.a[-1], p.y)  # (..., B, n_L)


def activation_slope(p: Pass, l: int) -> Array:
    """da_j/dz_j = s'(z_j)."""
    return p.network.activations[l].derivative(p.z[l])  # (..., B, n_l+1)


def kernel_slope(p: Pass, l: int) -> Array:
    """dz_j/dw_jk = a_k of the layer *before*: in z_j = ... + w_jk a_k + ... the weight is multiplied by a_k.

    The lecture prints a^(L) here; it is a misprint for a^(L-1).
    """
    return p.a[l]  # (..., B, n_l)


def bias_slope(p: Pass, l: int) -> Array:
    """dz_j/db_j = 1, for each sample: a bias is like the weight of an input that is always 1."""
    return np.ones_like(p.z[l][..., :1])  # (..., B, 1)


def input_slope(p: Pass, l: int) -> Array:
    """dz_j/da_k = w_jk: in z_j = ... + w_jk a_k + ... the activation a_k is multiplied by the weight."""
    return p.W[l]  # (..., n_l, n_l+1)


# --- and how they are put together ------------------------------------------------------------------------------


def unit_error(p: Pass, l: int, dC_da: Array, da_dz: Array) -> Array:
    """delta_j = dC/dz_j = dC/da_j * da_j/dz_j: what both gradients of the layer, and the way back, have in common."""
    return dC_da * da_dz  # (..., B, n_l+1)


def kernel_gradient(p: Pass, l: int, delta: Array, dz_dW: Array) -> Array:
    """dC/dw_jk = delta_j * dz_j/dw_jk, for each sample; the matrix product sums over the samples of the batch.

    For the last layer and one unit, 2 (a^(L) - y) s'(z^(L)) a^(L-1); the lecture's misprint ends it in a^(L).
    """
    return transpose(dz_dW) @ delta  # (..., n_l, n_l+1)


def bias_gradient(p: Pass, l: int, delta: Array, dz_db: Array) -> Array:
    """dC/db_j = delta_j * dz_j/db_j, for each sample; the matrix product sums over the samples, as for the kernel."""
    return (transpose(dz_db) @ delta)[..., 0, :]  # (..., 1, n_l+1) -> (..., n_l+1)


def sum_over_paths(p: Pass, l: int, delta: Array, dz_da: Array) -> Array:
    """dC/da_k = sum_j delta_j * dz_j/da_k: unit k reaches the cost through every unit j of the next layer.

    The lecture's last formula. Its left side is printed dC/da_k^(L), and is meant as dC/da_k^(L-1).
    """
    return delta @ transpose(dz_da)  # (..., B, n_l)


def average(p: Pass, total: Array) -> Array:
    """The mean over the batch from the sum over the batch. The only place where 1/B stands."""
    return total / p.y.shape[-2]


@dataclass(frozen=True)
class ChainRule:
    """The functions above, each of which can be replaced. The default is the correct derivation."""

    weighted_input: Callable[[Array, Array, Array], Array] = weighted_input
    cost_slope: Callable[[Pass], Array] = cost_slope
    activation_slope: Callable[[Pass, int], Array] = activation_slope
    kernel_slope: Callable[[Pass, int], Array] = kernel_slope
    bias_slope: Callable[[Pass, int], Array] = bias_slope
    input_slope: Callable[[Pass, int], Array] = input_slope
    unit_error: Callable[[Pass, int, Array, Array], Array] = unit_error
    kernel_gradient: Callable[[Pass, int, Array, Array], Array] = kernel_gradient
    bias_gradient: Callable[[Pass, int, Array, Array], Array] = bias_gradient
    sum_over_paths: Callable[[Pass, int, Array, Array], Array] = sum_over_paths
    average: Callable[[Pass, Array], Array] = average


@dataclass(frozen=True)
class Network:
    """What is fixed while the parameters are learned.

    Attributes:
        activations: one for each layer after the input.
        cost: of one sample, from the last layer's activations.
        rule: the chain rule's factors; the default is right.
    """

    activations: tuple[Activation, ...]
    cost: Cost
    rule: ChainRule = ChainRule()

    @classmethod
    def from_names(cls, activations: Sequence[str], cost: str) -> Network:
        """Build one from names, such as `(["sigmoid", "sigmoid", "sigmoid"], "squared-error")`.

        Raises:
            ValueError: for a name that is not in `ACTIVATIONS` or `COSTS`, with the nearest one that is.
        """
        return cls(
            tuple(look_up("activation", name, ACTIVATIONS) for name in activations), look_up("cost", cost, COSTS)
        )


# --- the three functions ----------------------------------------------------------------------------------------


def forward(network: Network, W: Arrays, b: Arrays, x: Array) -> tuple[list[Array], list[Array]]:
    """The forward pass.

    Args:
        network: the activations.
        W: kernels, (..., n_l, n_l+1) each.
        b: biases, (..., n_l+1) each.
        x: inputs, (..., B, n_0).

    Returns:
        `(z, a)`: the weighted inputs and the activations of all layers, (..., B, n) each; `a` begins with x.

    Example, the lecture's chain with one unit a layer:
        >>> chain = Network.from_names(["sigmoid", "sigmoid"], "squared-error")
        >>> W, b = [np.array([[2.0]]), np.array([[-1.0]])], [np.array([0.0]), np.array([0.5])]
        >>> z, a = forward(chain, W, b, np.array([[0.0]]))
        >>> z  # 2 * 0 + 0 = 0, then -1 * 0.5 + 0.5 = 0
        [array([[0.]]), array([[0.]])]
        >>> a
        [array([[0.]]), array([[0.5]]), array([[0.5]])]
    """
    z: list[Array] = []
    a = [x]
    for l, activation in enumerate(network.activations):
        z.append(network.rule.weighted_input(a[l], W[l], b[l]))
        a.append(activation.function(z[l]))
    return z, a


def batch_cost(network: Network, a: Array, y: Array) -> Array:
    """The cost of a batch: the mean over its samples.

    Args:
        network: the cost.
        a: the last layer's activations, (..., B, n_L).
        y: targets, (..., B, n_L).

    Returns:
        (...): a single number where there are no further axes.
    """
    return np.asarray(network.cost.value(a, y).mean(axis=-1))


def backward(network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array) -> tuple[list[Array], list[Array]]:
    """The backward pass: the gradient of the batch's cost, from the last layer to the first.

    Args:
        network: activations, cost and the chain rule's factors.
        W: kernels, (..., n_l, n_l+1) each.
        b: biases, (..., n_l+1) each.
        z: weighted inputs from `forward`.
        a: activations from `forward`, beginning with x.
        y: targets, (..., B, n_L).

    Returns:
        `(dW, db)`: the gradients, each of the shape of its parameter.

    Example, going on from `forward`'s, with the target 1:
        >>> chain = Network.from_names(["sigmoid", "sigmoid"], "squared-error")
        >>> W, b = [np.array([[2.0]]), np.array([[-1.0]])], [np.array([0.0]), np.array([0.5])]
        >>> z, a = forward(chain, W, b, np.array([[0.0]]))
        >>> dW, db = backward(chain, W, b, z, a, np.array([[1.0]]))
        >>> db[1]  # 2 (a - y) s'(z) = 2 * -0.5 * 0.25
        array([-0.25])
        >>> dW[1]  # the same, times the activation before, 0.5
        array([[-0.125]])
        >>> db[0]  # -0.25 * w * s'(z) = -0.25 * -1 * 0.25
        array([0.0625])
    """
    p, rule = Pass(network, W, b, z, a, y), network.rule
    dW, db = list(W), list(b)  # to be filled, from the last layer to the first
    dC_da = rule.cost_slope(p)
    for l in reversed(range(len(W))):
        delta = rule.unit_error(p, l, dC_da, rule.activation_slope(p, l))
        dW[l] = rule.average(p, rule.kernel_gradient(p, l, delta, rule.kernel_slope(p, l)))
        db[l] = rule.average(p, rule.bias_gradient(p, l, delta, rule.bias_slope(p, l)))
        if l > 0:  # the input is not learned: nobody asks for dC/dx
            dC_da = rule.sum_over_paths(p, l, delta, rule.input_slope(p, l))
    return dW, db


def sgd_step(W: Arrays, b: Arrays, dW: Arrays, db: Arrays, learning_rate: float) -> tuple[list[Array], list[Array]]:
    """One step of gradient descent: each parameter moves against its gradient.

    Args:
        W, b: the parameters.
        dW, db: their gradients.
        learning_rate: the length of the step, as a factor of the gradient.

    Returns:
        `(W, b)`: new arrays; the ones passed in stay as they are.

    Example:
        >>> sgd_step([np.array([[1.0]])], [np.array([0.0])], [np.array([[0.5]])], [np.array([-2.0])], 0.1)
        ([array([[0.95]])], [array([0.2])])
    """
    return (
        [W_l - learning_rate * dW_l for W_l, dW_l in zip(W, dW, strict=True)],
        [b_l - learning_rate * db_l for b_l, db_l in zip(b, db, strict=True)],
    )


def transpose(matrix: Array) -> Array:
    """Swap the last two axes: `.T` for arrays that may carry more axes in front."""
    return np.swapaxes(matrix, -1, -2)
