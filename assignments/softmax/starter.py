"""Backpropagation by hand, with ReLU, softmax and cross-entropy. The sheet is README.md beside this file.

Layout, as in Keras: rows are samples.

    x            (m, inputs)        m samples of a batch, one a row
    y            (m, classes)       their targets: each row is not negative and sums to 1
    kernels      list of (n_before, n) arrays, one for each layer, from the input's side; any number of layers
    biases       list of (n,) arrays
    zs           list of (m, n) arrays: z = a_before @ kernel + bias of each layer
    activations  list of (m, n) arrays: x first, then a = relu(z) of each hidden layer, and last softmax(z)

All arrays are float64. Functions return new arrays and leave those handed in as they are.
Import NumPy and the standard library only.
"""

import numpy as np


def relu(z):
    """z where it is positive, else 0, entry by entry. Returns an array like z."""
    raise NotImplementedError


def relu_prime(z):
    """The derivative of relu at z, entry by entry. At exactly 0 either value is right. Returns an array like z."""
    raise NotImplementedError


def softmax(z):
    """Probabilities of the classes, for each sample: e^z over the sum of e^z of its row.

    z is (m, classes), with numbers up to 1000 of either sign. Returns an array like z; every entry is finite.
    """
    raise NotImplementedError


def forward(kernels, biases, x):
    """The forward pass.

    Returns (zs, activations): two lists as described above.
    """
    raise NotImplementedError


def cost(a, y):
    """The cost of a batch: the mean over the samples of -sum over the classes of y log(a).

    a are the probabilities, (m, classes), as y is. Where y is 0 a class adds nothing, even if a is exactly 0.
    Returns a number.
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

    x is (N, inputs) and y (N, classes), all samples there are. batches is a list of arrays of row numbers: one step for
    each, in their order, with the samples x[batch], y[batch]. Their lengths differ.

    Returns the (kernels, biases) after the last step, two lists.
    """
    raise NotImplementedError
