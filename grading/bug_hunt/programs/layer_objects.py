"""Backpropagation by hand, with an object for each layer, which knows how to go forward and how to go back.

The functions that the assignment asks for are at the end. They build a chain of layers, let it work and collect what it
has found. Rows are samples.
"""

import numpy as np


class Layer:
    """Units that share an input. A layer remembers its last pass until the next one."""

    def __init__(self, kernel, bias):
        self.kernel = kernel  # (inputs, units)
        self.bias = bias  # (units,)

    def forward(self, a_before):
        self.a_before = a_before  # (m, inputs)
        self.z = a_before @ self.kernel + self.bias  # (m, units)
        self.a = sigmoid(self.z)
        return self.a

    def recall(self, a_before, z, a):
        """Take over a pass that was computed elsewhere."""
        self.a_before, self.z, self.a = a_before, z, a

    def backward(self, dC_da):
        """Takes dC/da of the own units, returns that of the layer before."""
        slope = sigmoid_prime(self.z)
        delta = dC_da * slope
        self.kernel_gradient = self.a_before.T @ delta
        self.bias_gradient = delta.sum(axis=0)
        return delta @ self.kernel.T

    def step(self, learning_rate):
        """One nudge for kernel and bias."""
        self.kernel = self.kernel - learning_rate * self.kernel_gradient
        self.bias = self.bias - learning_rate * self.bias_gradient


class Chain:
    """Layers, one behind the other."""

    def __init__(self, kernels, biases):
        self.layers = [Layer(kernel, bias) for kernel, bias in zip(kernels, biases)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, y):
        """From the last layer to the first."""
        m = len(y)
        dC_da = 2 * (self.layers[-1].a - y) / m
        for layer in reversed(self.layers):
            dC_da = layer.backward(dC_da)

    def step(self, learning_rate):
        for layer in self.layers:
            layer.step(learning_rate)

    def kernels(self):
        return [layer.kernel for layer in self.layers]

    def biases(self):
        return [layer.bias for layer in self.layers]


def sigmoid(z):
    """Two forms of the same function, each used where its exponential is small."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    """da/dz."""
    a = sigmoid(z)
    return a * (1 - a)


def forward(kernels, biases, x):
    chain = Chain(kernels, biases)
    chain.forward(x)
    zs = [layer.z for layer in chain.layers]
    activations = [x] + [layer.a for layer in chain.layers]
    return zs, activations


def cost(a, y):
    """One number for the batch: each sample has a cost of its own, and these are put together."""
    of_each_sample = np.sum((a - y) ** 2, axis=1)  # (m,)
    return np.mean(of_each_sample)


def backward(kernels, biases, zs, activations, y):
    chain = Chain(kernels, biases)
    for l, layer in enumerate(chain.layers):
        layer.recall(activations[l], zs[l], activations[l + 1])
    chain.backward(y)
    kernel_gradients = [layer.kernel_gradient for layer in chain.layers]
    bias_gradients = [layer.bias_gradient for layer in chain.layers]
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    chain = Chain(kernels, biases)
    for layer, dW, db in zip(chain.layers, kernel_gradients, bias_gradients):
        layer.kernel_gradient, layer.bias_gradient = dW, db
    chain.step(learning_rate)
    return chain.kernels(), chain.biases()


def train(kernels, biases, x, y, batches, learning_rate):
    """One chain lives through the whole training."""
    chain = Chain(kernels, biases)
    not_empty = [batch for batch in batches if len(batch) > 0]
    for batch in not_empty:
        chain.forward(x[batch])
        chain.backward(y[batch])
        chain.step(learning_rate)
    return chain.kernels(), chain.biases()
