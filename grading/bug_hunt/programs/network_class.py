"""A neural network as a class: one sample at a time, in a column.

weights[l] is (units, inputs) and biases[l] is (units, 1), so that a layer computes z = w a + b, as it is written on the
board. Everything that has to do with a sample is a column, too.
"""

import numpy as np


def sigmoid(z):
    """The activation of every layer."""
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    """The derivative of the sigmoid at z."""
    return sigmoid(z) * (1.0 - sigmoid(z))


class Network:
    """Sigmoids in every layer; the cost of a sample is half the squared error."""

    def __init__(self, sizes):
        """sizes: how many units each layer has, the input's first."""
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]

    def feedforward(self, a):
        """The answer of the network to the input a."""
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(w @ a + b)
        return a

    def all_layers(self, x):
        """As feedforward, but all z and all activations are kept."""
        zs, activations = [], [x]
        for w, b in zip(self.weights, self.biases):
            z = w @ activations[-1] + b
            zs.append(z)
            activations.append(sigmoid(z))
        return zs, activations

    def backprop(self, x, y):
        """The gradient for one sample."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        zs, activations = self.all_layers(x)
        difference = activations[-1] - y
        delta = difference * sigmoid_prime(zs[-1])
        # the indices count from the end: -1 is the output layer
        for l in range(1, len(self.weights) + 1):
            if l > 1:
                error = self.weights[-l + 1].T @ delta
                delta = error * sigmoid_prime(zs[-l])
            nabla_b[-l] = delta
            nabla_w[-l] = delta @ activations[-l - 1].T
        return nabla_b, nabla_w
