"""How far apart two correct computations of the same gradient may lie.

Two programs that add the same numbers in another order get different last digits. Mostly that is 1e-7 of the result in
float32 and nobody need think of it. It matters in three places, where a correct gradient would look wrong:

-   the reference is zero, or so small that it consists of rounding (saturated units, a converged network);
-   a ReLU's z is zero to within rounding: one program has the unit on, the other off, and both are right;
-   a slope such as s(z) (1 - s(z)) is taken where s is nearly 1, and 1 - s keeps few correct digits.

`rounding_errors` follows the rounding errors through the forward and the backward pass, as a physicist follows
the uncertainties of measurements: errors of different operations are independent, so their squares add. For a sum of n
products t_i the error is about `u sqrt(n) sqrt(sum t_i^2)`, u being the machine's precision; the worst case, `u n sum
|t_i|`, is never seen. (N. J. Higham, T. Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci.
Comput. 41, 2019.)

It costs more than the gradient itself. `callbacks.GradientCheck` asks for it only where the plain comparison fails.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from backprop.functions import Activation, Array
from backprop.network import Arrays, Network, Pass, transpose

SAFETY = 8.0
"""How many times the estimated error is still put down to rounding."""


def unit_roundoff(dtype: npt.DTypeLike) -> float:
    """The largest relative error of rounding a number to this format: 6e-8 for float32, 1.1e-16 for float64."""
    return float(np.finfo(np.dtype(dtype).type).eps) / 2


def rounding_errors(
    network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array, u: float
) -> tuple[list[Array], list[Array], Array]:
    """The size of what rounding may do to each entry of each gradient, and to the cost.

    Args:
        network: activations, cost and chain rule.
        W, b: parameters, as for `backprop.network.backward`.
        z, a: from `backprop.network.forward`.
        y: targets.
        u: the unit roundoff of the computation in question, see `unit_roundoff`.

    Returns:
        `(dW_error, db_error, cost_error)`: float64, every entry at least 0; the first two in the shapes of the
        parameters, the last (...), as from `batch_cost`.
    """
    W, b, z, a = ([array.astype(np.float64) for array in arrays] for arrays in (W, b, z, a))
    y = y.astype(np.float64)
    p = Pass(network, W, b, z, a, y)

    # Forward: the errors of z and a, layer by layer. The input is exact.
    z_error: list[Array] = []
    a_error: list[Array] = [np.zeros_like(a[0])]
    for l, activation in enumerate(network.activations):
        z_error.append(_product_error(a[l], a_error[l], W[l], u) + u * np.abs(b[l])[..., np.newaxis, :])
        a_error.append(_change(activation.function, z[l], z_error[l]) + u * np.abs(a[l + 1]))

    # Backward: the errors of dC/da, of delta, and of the gradients.
    dW_error: list[Array] = []
    db_error: list[Array] = []
    batch_size = y.shape[-2]
    dC_da = network.rule.cost_slope(p)
    dC_da_error = _cost_slope_error(p, a_error[-1], u)
    for l in reversed(range(len(W))):
        slope = network.activations[l].derivative(z[l])
        slope_error = _slope_error(network.activations[l], z[l], z_error[l], a[l + 1], u)
        delta = dC_da * slope
        delta_error = _add(dC_da_error * (np.abs(slope) + slope_error), dC_da * slope_error, u * delta)
        dW_error.insert(0, _product_error(transpose(a[l]), transpose(a_error[l]), delta, u, delta_error) / batch_size)
        db_error.insert(
            0, np.sqrt((delta_error**2).sum(axis=-2) + u**2 * batch_size * (delta**2).sum(axis=-2)) / batch_size
        )
        dC_da = delta @ transpose(W[l])
        dC_da_error = _product_error(delta, delta_error, transpose(W[l]), u)
    cost_error = _cost_error(p, a_error[-1], u).mean(axis=-1)
    return [SAFETY * error for error in dW_error], [SAFETY * error for error in db_error], SAFETY * cost_error


def _add(*errors: Array) -> Array:
    """Independent errors add by their squares."""
    return np.sqrt(sum((error**2 for error in errors), start=np.float64(0)))


def _product_error(left: Array, left_error: Array, right: Array, u: float, right_error: Array | None = None) -> Array:
    """The error of `left @ right`: those of the factors, passed on, and that of adding n products."""
    n = left.shape[-1]
    squares = left_error**2 @ right**2 + u**2 * n * (left**2 @ right**2)
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


def _cost_slope_error(p: Pass, a_error: Array, u: float) -> Array:
    """The error of dC/da, (..., B, n_L)."""
    here = p.network.cost.slope(p.a[-1], p.y)
    moved = (p.network.cost.slope(a, p.y) - here for a in _each_output_moved(p, a_error))
    return _add(u * (np.abs(here) + np.abs(p.y)), *moved)


def _cost_error(p: Pass, a_error: Array, u: float) -> Array:
    """The error of the cost of each sample, (..., B)."""
    here = p.network.cost.value(p.a[-1], p.y)
    moved = (p.network.cost.value(a, p.y) - here for a in _each_output_moved(p, a_error))
    return _add(u * (np.abs(here) + np.abs(p.a[-1]).max(axis=-1)), *moved)


def _each_output_moved(p: Pass, a_error: Array) -> Iterator[Array]:
    """The last layer's activations with one output after the other moved by its error: softmax couples them."""
    for j in range(a_error.shape[-1]):
        moved = p.a[-1].copy()
        moved[..., j] += a_error[..., j]
        yield moved
