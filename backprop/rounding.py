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

It costs more than the gradient itself. `callbacks.GradientCheck` asks for it only where the plain comparison fails.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from backprop.functions import Activation, Array, Cost
from backprop.network import Arrays, Network, transpose

SAFETY = 4.0
"""How many times the usual size of an error is still put down to rounding."""


def rounding_errors(
    network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array, dtype: npt.DTypeLike
) -> tuple[list[Array], list[Array], Array]:
    """The size of what rounding may do to each entry of each gradient, and to the cost.

    Args:
        network: activations and cost; the chain rule is taken to be right.
        W, b: parameters, as for `backprop.network.backward`.
        z, a: from `backprop.network.forward`.
        y: targets.
        dtype: the number format of the computation in question: float32 or float64.

    Returns:
        `(dW_error, db_error, cost_error)`: float64, every entry at least 0; the first two in the shapes of the
        parameters, the last (...), as from `batch_cost`.
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

    # Backward: the errors of dC/da, of delta, and of the gradients.
    dW_error, db_error = list(W), list(b)  # to be filled, from the last layer to the first
    batch_size = y.shape[-2]
    dC_da = network.cost.slope(a[-1], y)
    dC_da_error = _cost_slope_error(network.cost, a[-1], a_error[-1], y, u)
    for l in reversed(range(len(W))):
        slope = network.activations[l].derivative(z[l])
        slope_error = _slope_error(network.activations[l], z[l], z_error[l], a[l + 1], u)
        delta = dC_da * slope
        delta_error = _add(dC_da_error * (np.abs(slope) + slope_error), dC_da * slope_error, u * delta) + tiny
        ones = np.ones((1, batch_size))  # the sum over the batch, as a product
        dW_error[l] = _product_error(transpose(a[l]), transpose(a_error[l]), delta, u, delta_error) / batch_size + tiny
        db_error[l] = _product_error(ones, 0 * ones, delta, u, delta_error)[..., 0, :] / batch_size + tiny
        dC_da = delta @ transpose(W[l])
        dC_da_error = _product_error(delta, delta_error, transpose(W[l]), u)
    cost_error = _cost_error(network.cost, a[-1], a_error[-1], y, u).mean(axis=-1)
    return dW_error, db_error, cost_error


def _precision(dtype: npt.DTypeLike) -> tuple[float, float]:
    """The relative error of rounding, with the margin of safety, and the least number that keeps its digits."""
    info = np.finfo(np.dtype(dtype).type)
    return SAFETY * float(info.eps) / 2, float(info.tiny)


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


def _slope_error(activation: Activation, z: Array, z_error: Array, a: Array, u: float) -> Array:
    """The error of s'(z): from the error of z, and from computing it out of a, as in `1 - a`."""
    return _change(activation.derivative, z, z_error) + u * (np.abs(a) + np.abs(activation.derivative(z)))


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
