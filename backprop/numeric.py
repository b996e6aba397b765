"""Derivatives without the chain rule: the third opinion on every gradient.

Both functions move one parameter at a time and look what the cost does. They know nothing of the backward pass, so
they share no mistake with it. They are slow, one or two forward passes for each parameter, and are meant for tests.

*Central differences*, `(C(w + h) - C(w - h)) / 2h`, are what most gradient checkers use. They lose either way: a large
h leaves the curvature in (an error of order h^2), a small h subtracts two nearly equal numbers (an error of order
u / h, u the machine's precision). The best h, near u^(1/3), leaves an error of 1e-9 or more in float64, and nothing
useful in float32.

*The complex step* subtracts nothing. For an analytic C, C(w + ih) = C(w) + ih C'(w) - h^2 C''(w)/2 - ..., so

    C'(w) = Im C(w + ih) / h

with an error of order h^2 only; h = 1e-30 makes that vanish, and the derivative is exact to rounding.
(Squire and Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40, 1998.)
"""

from collections.abc import Callable, Sequence

import numpy as np

from backprop.functions import Array
from backprop.network import Network, batch_cost, forward

CostOfParameters = Callable[[Sequence[Array]], Array]


def cost_of_parameters(network: Network, x: Array, y: Array) -> CostOfParameters:
    """The batch's cost as a function of the list `[W_0, ..., b_0, ...]`: all kernels, then all biases."""

    def cost(parameters: Sequence[Array]) -> Array:
        num_layers = len(parameters) // 2
        _, a = forward(network, parameters[:num_layers], parameters[num_layers:], x)
        return batch_cost(network, a[-1], y)

    return cost


def complex_step(cost: CostOfParameters, parameters: Sequence[Array], h: float = 1e-30) -> list[Array]:
    """The gradient of `cost` at `parameters`, exact to rounding.

    Args:
        cost: list of arrays -> a number; analytic, and able to take complex arrays.
        parameters: float64 arrays of any shape.
        h: the step along the imaginary axis; anything small enough for h^2 to vanish.

    Returns:
        Derivatives in arrays of the parameters' shapes, float64.

    Example:
        >>> complex_step(lambda p: (p[0] ** 3).sum(), [np.array([2.0, -1.0])])  # 3 w^2
        [array([12.,  3.])]
    """
    work: list[Array] = [parameter.astype(np.complex128) for parameter in parameters]  # copies, to be moved
    gradients: list[Array] = [np.zeros(parameter.shape) for parameter in parameters]
    for array, gradient in zip(work, gradients, strict=True):
        for index in np.ndindex(array.shape):
            original = array[index]
            array[index] = original + 1j * h
            gradient[index] = cost(work).imag / h
            array[index] = original
    return gradients


def central_differences(cost: CostOfParameters, parameters: Sequence[Array], h: float = 1e-5) -> list[Array]:
    """The gradient of `cost` at `parameters`, to about 1e-9 in float64. Arguments as for `complex_step`.

    Example:
        >>> [gradient] = central_differences(lambda p: (p[0] ** 3).sum(), [np.array([2.0, -1.0])])
        >>> np.abs(gradient - [12, 3]).max() < 1e-8
        np.True_
    """
    work: list[Array] = [parameter.astype(np.float64) for parameter in parameters]  # copies, to be moved
    gradients: list[Array] = [np.zeros(parameter.shape) for parameter in parameters]
    for array, gradient in zip(work, gradients, strict=True):
        for index in np.ndindex(array.shape):
            original = array[index]
            array[index] = original + h
            above = cost(work)
            array[index] = original - h
            gradient[index] = (above - cost(work)) / (2 * h)
            array[index] = original
    return gradients
