"""Type hints, frozen dataclasses, a Protocol and named tuples."""

# assignment: backprop
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]


class Activation(Protocol):
    def __call__(self, z: Array) -> Array: ...

    def slope(self, z: Array) -> Array: ...


@dataclass(frozen=True)
class Logistic:
    limit: float = 700.0

    def __call__(self, z: Array) -> Array:
        return 1 / (1 + np.exp(-np.clip(z, -self.limit, self.limit)))

    def slope(self, z: Array) -> Array:
        return self(z) * (1 - self(z))


class Parameters(NamedTuple):
    kernels: list[Array]
    biases: list[Array]


class Trace(NamedTuple):
    zs: list[Array]
    activations: list[Array]


@dataclass(frozen=True)
class Model:
    parameters: Parameters
    activation: Activation = Logistic()

    def layers(self) -> Iterator[tuple[Array, Array]]:
        yield from zip(*self.parameters, strict=True)

    def forward(self, x: Array) -> Trace:
        trace = Trace([], [x])
        for kernel, bias in self.layers():
            trace.zs.append(trace.activations[-1] @ kernel + bias)
            trace.activations.append(self.activation(trace.zs[-1]))
        return trace

    def gradient(self, trace: Trace, y: Array) -> Parameters:
        gradient = Parameters([], [])
        dC_da: Array = 2 * (trace.activations[-1] - y) / len(y)
        for kernel, z, a in zip(self.parameters.kernels[::-1], trace.zs[::-1], trace.activations[-2::-1], strict=True):
            delta = dC_da * self.activation.slope(z)
            gradient.kernels.insert(0, a.T @ delta)
            gradient.biases.insert(0, delta.sum(axis=0))
            dC_da = delta @ kernel.T
        return gradient

    def moved(self, gradient: Parameters, rate: float) -> Model:
        parts = [[p - rate * g for p, g in zip(*pair, strict=True)] for pair in zip(self.parameters, gradient)]
        return replace(self, parameters=Parameters(*parts))


def sigmoid(z: Array) -> Array:
    return Logistic()(z)


def sigmoid_prime(z: Array) -> Array:
    return Logistic().slope(z)


def forward(kernels: list[Array], biases: list[Array], x: Array) -> Trace:
    return Model(Parameters(kernels, biases)).forward(x)


def cost(a: Array, y: Array) -> float:
    return float(np.vdot(a - y, a - y)) / len(y)


def backward(kernels: list[Array], biases: list[Array], zs: list[Array], activations: list[Array], y: Array):
    return Model(Parameters(kernels, biases)).gradient(Trace(zs, activations), y)


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate: float) -> Parameters:
    model = Model(Parameters(kernels, biases))
    return model.moved(Parameters(kernel_gradients, bias_gradients), learning_rate).parameters


def train(kernels, biases, x: Array, y: Array, batches: Sequence[npt.NDArray[np.intp]], learning_rate: float):
    model = Model(Parameters(kernels, biases))
    for batch in batches:
        model = model.moved(model.gradient(model.forward(x[batch]), y[batch]), learning_rate)
    return model.parameters
