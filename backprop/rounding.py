"""How far apart two correct computations of the same gradient may lie.

Two programs that add the same numbers in another order get different last digits. Mostly that is 1e-7 of the result in
float32 and nobody need think of it. It matters in three places, where a correct gradient would look wrong:

-   the reference is zero, or so small that it consists of rounding (saturated units, a converged network);
-   a ReLU's z is zero to within rounding: one program has the unit on, the other off, and both are right;
-   a slope such as s(z) (1 - s(z)) is taken where s is nearly 1, and 1 - s keeps few correct digits.

`rounding_errors` follows the rounding errors through the forward and the backward pass, as a physicist follows the
uncertainties of measurements: errors of different operations are independent, so their squares add. For a sum of n
products t_i the error is about `u sqrt(n)` times sqrt(sum t_i^2) or their sum, u being the machine's precision; the
worst case, `u n sum |t_i|`, is never seen. (N. J. Higham, T. Mary, "A new approach to probabilistic rounding error
analysis", SIAM J. Sci. Comput. 41, 2019.)

At a kink nothing adds by squares: the unit is on or off, and moves the entries it reaches by a known amount or not at
all. That is kept apart, so that one such unit does not excuse what other entries do.

It costs more than the gradient itself. `callbacks.GradientCheck` asks for it only where the plain comparison fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backprop.functions import Array, Cost
from backprop.network import Arrays, Network, transpose

SAFETY = 8.0
"""How many times the usual size of an error is still put down to rounding."""


@dataclass(frozen=True)
class Rounding:
    """What rounding may do, entry by entry: float64, at least 0, in the shapes of the parameters.

    Attributes:
        dW, db: the size of the errors that add by their squares: to be held against the norm of a difference.
        dW_kinks, db_kinks: how far units at a kink may move each entry, by being on or off: a bound for each.
        cost: the size of the cost's error, (...).
    """

    dW: list[Array]
    db: list[Array]
    dW_kinks: list[Array]
    db_kinks: list[Array]
    cost: Array


def rounding_errors(
    network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array, dtype: npt.DTypeLike
) -> Rounding:
    """What rounding may do to each gradient and to the cost.

    Args:
        network: activations and cost; the chain rule is taken to be right.
        W, b: parameters, as for `backprop.network.backward`.
        z, a: from `backprop.network.forward`.
        y: targets.
        dtype: the number format of the computation in question: float32 or float64.
    """
    u, tiny = _precision(dtype)
    W, b, z, a = ([array.astype(np.float64) for array in arrays] for arrays in (W, b, z, a))
    y = y.astype(np.float64)

    # Forward: the errors of z and a, layer by layer. The input is exact.
    z_error: list[Array] = []
    a_error: list[Array] = [np.zeros_like(a[0])]
    for l, activation in enumerate(network.activations):
        z_error.append(_product_error(a[l], a_error[l], W[l], u) + u * np.abs(b[l])[..., np.newaxis, :])
        a_error.append(_change(activation.function, z[l], z_error[l]) + u * np.abs(a[l + 1]))

    # Backward: the errors of dC/da, of delta, and of the gradients; beside them, what units at a kink may do.
    dW_error, db_error, dW_kinks, db_kinks = list(W), list(b), list(W), list(b)  # to be filled from the end
    batch_size = y.shape[-2]
    ones = np.ones((batch_size, 1))  # the input of the biases
    dC_da = network.cost.slope(a[-1], y)
    dC_da_error = _cost_slope_error(network.cost, a[-1], a_error[-1], y, u)
    dC_da_kinks = np.zeros_like(dC_da)
    for l in reversed(range(len(W))):
        activation = network.activations[l]
        slope = activation.derivative(z[l])
        change = _change(activation.derivative, z[l], z_error[l])
        jump = change if activation.has_kink else np.zeros_like(change)
        slope_error = change - jump + 2 * u * (np.abs(a[l + 1]) + np.abs(slope))  # computed out of a, as in 1 - a
        delta = dC_da * slope
        delta_error = _add(dC_da_error * (np.abs(slope) + slope_error), dC_da * slope_error, u * delta) + tiny
        delta_kinks = np.abs(dC_da) * jump + dC_da_kinks * (np.abs(slope) + jump)
        dW_error[l] = _product_error(transpose(a[l]), transpose(a_error[l]), delta, u, delta_error) / batch_size + tiny
        db_error[l] = _product_error(ones.T, 0 * ones.T, delta, u, delta_error)[..., 0, :] / batch_size + tiny
        dW_kinks[l] = transpose(np.abs(a[l])) @ delta_kinks / batch_size
        db_kinks[l] = delta_kinks.sum(axis=-2) / batch_size
        dC_da = delta @ transpose(W[l])
        dC_da_error = _product_error(delta, delta_error, transpose(W[l]), u)
        dC_da_kinks = delta_kinks @ transpose(np.abs(W[l]))
    cost_error = _cost_error(network.cost, a[-1], a_error[-1], y, u).mean(axis=-1)
    return Rounding(dW_error, db_error, dW_kinks, db_kinks, cost_error)


def _precision(dtype: npt.DTypeLike) -> tuple[float, float]:
    """The relative error of rounding, with the margin of safety, and the least number that keeps its digits."""
    info = np.finfo(np.dtype(dtype).type)
    return SAFETY * float(info.eps) / 2, SAFETY * float(info.tiny)


def _add(*errors: Array) -> Array:
    """Independent errors add by their squares."""
    return np.sqrt(sum((error**2 for error in errors), start=np.float64(0)))


def _product_error(left: Array, left_error: Array, right: Array, u: float, right_error: Array | None = None) -> Array:
    """The error of `left @ right`: those of the factors, passed on, and that of adding n products one by one.

    Each addition rounds the sum so far. Of products of mixed signs that is sqrt(sum t_i^2) at most, as a rule; of
    products of one sign it grows to their sum.
    """
    n = left.shape[-1]
    squares = left_error**2 @ right**2 + u**2 * n * (left**2 @ right**2 + (left @ right) ** 2)
    if right_error is not None:
        squares = squares + (left**2 + left_error**2) @ right_error**2
    return np.sqrt(squares)


def _change(function: Callable[[Array], Array], z: Array, z_error: Array) -> Array:
    """How much `function(z)` changes when z moves by its error, either way. Right across a kink, too."""
    here = function(z)
    return np.maximum(np.abs(function(z + z_error) - here), np.abs(function(z - z_error) - here))


def _cost_slope_error(cost: Cost, a: Array, a_error: Array, y: Array, u: float) -> Array:
    """The error of dC/da, (..., B, n_L)."""
    here = cost.slope(a, y)
    changes = (cost.slope(moved, y) - here for moved in _each_output_moved(a, a_error))
    return _add(u * (np.abs(here) + np.abs(y)), *changes)


def _cost_error(cost: Cost, a: Array, a_error: Array, y: Array, u: float) -> Array:
    """The error of the cost of each sample, (..., B)."""
    here = cost.value(a, y)
    changes = (cost.value(moved, y) - here for moved in _each_output_moved(a, a_error))
    return _add(u * (np.abs(here) + np.abs(a).max(axis=-1)), *changes)


def _each_output_moved(a: Array, a_error: Array) -> Iterator[Array]:
    """The last layer's activations with one output after the other moved by its error: softmax couples them."""
    for j in range(a.shape[-1]):
        moved = a.copy()
        moved[..., j] += a_error[..., j]
        yield moved
