"""Backpropagation by hand. Fill in the functions; the sheet (README.md beside this file) says how they are graded.

Layout, as in Keras: rows are samples.

    x            (m, inputs)        m samples of a batch, one a row
    y            (m, outputs)       their targets
    kernels      list of (n_before, n) arrays, one for each layer, from the input's side; any number of layers
    biases       list of (n,) arrays
    zs           list of (m, n) arrays: z = a_before @ kernel + bias of each layer
    activations  list of (m, n) arrays: x first, then a = sigmoid(z) of each layer; one more than zs

All arrays are float64. Functions return new arrays and leave those handed in as they are. Every layer has a sigmoid.
Import NumPy and the standard library only.
"""

import numpy as np


def sigmoid(z):
    """1 / (1 + e^-z), entry by entry.

    z is an array of any shape, with numbers up to 1000 of either sign. Returns an array like z; every entry is finite.
    """
    raise NotImplementedError


def sigmoid_prime(z):
    """The derivative of the sigmoid at z, entry by entry. Returns an array like z; every entry is finite."""
    raise NotImplementedError


def forward(kernels, biases, x):
    """The forward pass.

    Returns (zs, activations): two lists as described above.
    """
    raise NotImplementedError


def cost(a, y):
    """The cost of a batch: the mean over the samples of the sum over the outputs of (a - y)^2.

    a is the last layer's activation, (m, outputs), as y is. Returns a number.
    """
    raise NotImplementedError


def backward(kernels, biases, zs, activations, y):
    """The gradient of the batch's cost, from what the forward pass has computed.

    Returns (kernel_gradients, bias_gradients): two lists, each array of the shape of its kernel or bias.
    """
    raise NotImplementedError


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    """One step of gradient descent. Returns the new (kernels, biases), two lists."""
    raise NotImplementedError


def train(kernels, biases, x, y, batches, learning_rate):
    """Gradient descent over batches.

    x is (N, inputs) and y (N, outputs), all samples there are. batches is a list of arrays of row numbers: one step for
    each, in their order, with the samples x[batch], y[batch]. Their lengths differ.

    Returns the (kernels, biases) after the last step, two lists.
    """
    raise NotImplementedError
