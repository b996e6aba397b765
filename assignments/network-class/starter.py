"""A neural network as a class. Fill in the functions and methods; the sheet is README.md beside this file.

Columns are samples, and there is one at a time:

    x            (inputs, 1)        one sample
    y            (outputs, 1)       its target
    weights      list of (n, n_before) arrays, one for each layer after the input
    biases       list of (n, 1) arrays

All arrays are float64. Methods return new arrays and leave those handed in as they are. Every layer has a sigmoid.
Import NumPy and the standard library only.
"""

import numpy as np


def sigmoid(z):
    """1 / (1 + e^-z), entry by entry, for numbers up to 1000 of either sign. Returns an array like z."""
    raise NotImplementedError


def sigmoid_prime(z):
    """The derivative of the sigmoid at z, entry by entry. Returns an array like z."""
    raise NotImplementedError


class Network:
    """A network with sigmoids in every layer, and half the squared error as its cost: C = 1/2 sum of (a - y)^2."""

    def __init__(self, sizes):
        """sizes: the number of units of each layer, the input's first. Begins with random weights and biases.

        The grader sets `weights` and `biases` itself before it calls a method.
        """
        self.weights = [np.random.randn(n, n_before) for n_before, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]

    def feedforward(self, a):
        """The network's answer to the input a: the last layer's activation, (outputs, 1)."""
        raise NotImplementedError

    def backprop(self, x, y):
        """The gradient of the cost of one sample.

        Returns (bias_gradients, weight_gradients): two lists, each array of the shape of its bias or weights.
        """
        raise NotImplementedError
