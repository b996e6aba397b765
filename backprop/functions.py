"""Activations and costs, each beside its derivative.

These are the two places where the chain rule of the lecture needs a derivative that is not simply "the other
factor of a product": `da/dz = s'(z)` for an activation `a = s(z)`, and `dC/da` for a cost `C(a, y)`.

Every function also takes complex numbers, so that `backprop.numeric` can differentiate the forward pass with a
complex step. That is why comparisons look at the real part only.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""An array of float32, float64 or, for the complex step only, complex128."""


@dataclass(frozen=True)
class Activation:
    """An activation function `a = s(z)`, applied to each unit by itself.

    Attributes:
        name: what Keras calls it.
        function: s, any shape to the same shape.
        derivative: s', evaluated at **z** (not at a), any shape to the same shape.
        has_kink: whether s' jumps somewhere. Within rounding of that place both of its values are right.
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    has_kink: bool = False


@dataclass(frozen=True)
class Cost:
    """The cost C of one sample; a batch costs the mean over its samples.

    Attributes:
        name: the name on the command line.
        value: (a, y) of shape (..., B, n) -> C of each sample, (..., B).
        slope: (a, y) of shape (..., B, n) -> dC/da of each sample, (..., B, n).
    """

    name: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]


# --- activations ------------------------------------------------------------------------------------------------


def sigmoid(z: Array) -> Array:
    """s(z) = 1 / (1 + e^-z), for any z without overflow.

    For negative z the fraction is expanded by e^z, to e^z / (1 + e^z): the exponential is then never above 1. For
    positive z, s(z) = 1 - s(-z). This also keeps all digits of an activation near 0, and as many as there are near 1.

    Example:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])
    """
    positive = z.real >= 0
    e = np.exp(np.where(positive, -z, z))
    below_half = e / (1 + e)
    return np.where(positive, 1 - below_half, below_half)


def sigmoid_prime(z: Array) -> Array:
    """s'(z) = s(z) (1 - s(z)).

    From s = (1 + e^-z)^-1: s' = e^-z (1 + e^-z)^-2, which is s times e^-z / (1 + e^-z) = 1 - s.

    Example:
        >>> sigmoid_prime(np.array([0.0]))
        array([0.25])
    """
    s = sigmoid(z)
    return s * (1 - s)


def tanh(z: Array) -> Array:
    """s(z) = tanh(z), a sigmoid stretched to (-1, 1): tanh(z) = 2 sigmoid(2z) - 1."""
    return np.tanh(z)


def tanh_prime(z: Array) -> Array:
    """s'(z) = 1 - tanh(z)^2, from the quotient rule on sinh / cosh."""
    return 1 - np.tanh(z) ** 2


def relu(z: Array) -> Array:
    """s(z) = z where z is positive, else 0.

    Example:
        >>> relu(np.array([-2.0, 0.0, 3.0]))
        array([0., 0., 3.])
    """
    return np.where(z.real > 0, z, 0)


def relu_prime(z: Array) -> Array:
    """s'(z) = 1 where z is positive, else 0. At z = 0 there is no derivative; 0 is the usual choice, Keras's too."""
    return (z.real > 0).astype(z.dtype)


def linear(z: Array) -> Array:
    """s(z) = z: no activation. The output layer uses it where the cost works on logits."""
    return z


def linear_prime(z: Array) -> Array:
    """s'(z) = 1."""
    return np.ones_like(z)


# --- costs ------------------------------------------------------------------------------------------------------


def squared_error(a: Array, y: Array) -> Array:
    """C = sum_j (a_j - y_j)^2, the lecture's cost: summed, not averaged, over the outputs; no factor 1/2.

    The lecture prints a second equals sign behind the sum, a misprint.

    Example:
        >>> squared_error(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]))
        array([0.5])
    """
    return ((a - y) ** 2).sum(axis=-1)


def squared_error_slope(a: Array, y: Array) -> Array:
    """dC/da_j = 2 (a_j - y_j). Of the sum over the outputs only the term of unit j depends on a_j."""
    return 2 * (a - y)


def softmax(z: Array) -> Array:
    """p_j = e^(z_j) / sum_i e^(z_i): logits to probabilities, along the last axis.

    The maximum is subtracted first. It cancels in the fraction, and no exponential is above 1 then.
    """
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy(a: Array, y: Array) -> Array:
    """C = - sum_j y_j log p_j with p = softmax(a), where a are **logits** and each row of y sums to 1.

    With log p_j = a_j - log sum_i e^(a_i), and sum_j y_j = 1, this is log sum_i e^(a_i) - sum_j y_j a_j.
    Computed so, it never takes the logarithm of 0.

    Example:
        >>> cross_entropy(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))  # log 2
        array([0.69314718])
    """
    largest = a.real.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(a - largest).sum(axis=-1)) + largest[..., 0]
    return log_sum - (y * a).sum(axis=-1)


def cross_entropy_slope(a: Array, y: Array) -> Array:
    """dC/da_j = p_j - y_j, with p = softmax(a): the derivative of log sum_i e^(a_i) is e^(a_j) / sum_i e^(a_i).

    It is as short as this only with logits, linear output units and rows of y that sum to 1.
    """
    return softmax(a) - y


# --- by name ----------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("sigmoid", sigmoid, sigmoid_prime),
        Activation("tanh", tanh, tanh_prime),
        Activation("relu", relu, relu_prime, has_kink=True),
        Activation("linear", linear, linear_prime),
    )
}

COSTS = {
    cost.name: cost
    for cost in (
        Cost("squared-error", squared_error, squared_error_slope),
        Cost("cross-entropy", cross_entropy, cross_entropy_slope),
    )
}

T = TypeVar("T")


def look_up(kind: str, name: str, table: dict[str, T]) -> T:
    """Find `name` in `table`, or raise a ValueError that lists what there is and suggests the nearest name."""
    if name not in table:
        raise ValueError(unknown_name(kind, name, table))
    return table[name]


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence that answers a name nobody knows, with a near match where there is one.

    Example:
        >>> unknown_name("activation", "sigmod", ["sigmoid", "tanh"])
        "activation is 'sigmod'; expected one of: sigmoid, tanh. Did you mean 'sigmoid'?"
    """
    known = list(known)
    message = f"{kind} is {name!r}; expected one of: {', '.join(known)}."
    near = difflib.get_close_matches(name, known, n=1)
    return message + (f" Did you mean {near[0]!r}?" if near else "")
