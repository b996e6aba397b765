"""Backpropagation by hand: the whole batch at once, in matrix products.

Rows are samples. For a layer with k inputs and n units, and m samples in the batch:

    kernel (k, n)    bias (n,)    z, a and delta (m, n)

Layers are counted from 0. activations[l] is what layer l is given, and activations[l + 1] is what it answers.
"""

import numpy as np


def sigmoid(z):
    """The activation of every layer, entry by entry."""
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    """Its derivative at z."""
    s = sigmoid(z)
    return s * (1 - s)


def forward(kernels, biases, x):
    """From x through all layers. Everything is kept, because the way back needs it."""
    zs = []
    activations = [x]
    for kernel, bias in zip(kernels, biases):
        z = activations[-1] @ kernel + bias
        a = sigmoid(z)
        zs.append(z)
        activations.append(a)
    return zs, activations


def cost(a, y):
    """The cost of a batch, one number."""
    return np.sum((a - y) ** 2) / len(y)


def backward(kernels, biases, zs, activations, y):
    """The gradient of the batch's cost: delta = dC/dz of a layer, then its kernel and bias, then the layer before."""
    m = len(y)
    kernel_gradients = [np.zeros_like(kernel) for kernel in kernels]
    bias_gradients = [np.zeros_like(bias) for bias in biases]
    # the output layer is compared with the targets
    error = 2 * (activations[-1] - y)
    delta = error * sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        kernel_gradients[l] = activations[l].T @ delta / m
        bias_gradients[l] = np.sum(delta, axis=0) / m
        if l > 0:  # the input has no delta
            error = delta @ kernels[l].T
            delta = error * sigmoid_prime(zs[l - 1])
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    """One step of gradient descent. The lists that come in stay as they are."""
    new_kernels = [kernel - learning_rate * g for kernel, g in zip(kernels, kernel_gradients)]
    new_biases = [bias - learning_rate * g for bias, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def gradient(kernels, biases, x, y):
    """There and back for one batch."""
    zs, activations = forward(kernels, biases, x)
    return backward(kernels, biases, zs, activations, y)


def train(kernels, biases, x, y, batches, learning_rate):
    """W and b are the parameters as they are now; kernels and biases are those that the training began with."""
    W, b = kernels, biases
    for batch in batches:
        x_batch, y_batch = x[batch], y[batch]
        dW, db = gradient(W, b, x_batch, y_batch)
        W, b = sgd_step(W, b, dW, db, learning_rate)
    return W, b
