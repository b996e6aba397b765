"""Backpropagation by hand with ReLU in the hidden layers, and softmax with cross-entropy at the end.

Rows are samples: x (m, inputs), y (m, classes), each kernel (inputs, units), each bias (units,). Layers are counted
from 0: activations[l] is what layer l is given, and activations[l + 1] is what it answers. The derivative of the cost
by the last z, through logarithm and softmax, is short: all the fractions cancel.
"""

import numpy as np


def relu(z):
    """The activation of the hidden layers."""
    return np.maximum(z, 0.0)


def relu_prime(z):
    """The slope of relu at z."""
    return np.where(z > 0, 1.0, 0.0)


def shares(z, axis):
    """e^z as a share of its sum along an axis."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax(z):
    """The activation of the last layer."""
    return shares(z, axis=1)


def forward(kernels, biases, x):
    """All z and all activations, layer by layer."""
    zs, activations = [], [x]
    last = len(kernels) - 1
    for l, (kernel, bias) in enumerate(zip(kernels, biases)):
        z = activations[l] @ kernel + bias
        zs.append(z)
        if l < last:
            activations.append(relu(z))
        else:
            activations.append(softmax(z))
    return zs, activations


def cost(a, y):
    """The cross-entropy of a batch."""
    possible = np.where(y > 0, a, 1.0)
    logs = np.log(possible)
    return -np.sum(y * logs) / len(y)


def backward(kernels, biases, zs, activations, y):
    """The gradients of all kernels and biases."""
    m = len(y)
    dW, db = [None] * len(kernels), [None] * len(biases)
    delta = activations[-1] - y
    for l in reversed(range(len(kernels))):
        dW[l] = activations[l].T @ delta / m
        db[l] = delta.mean(axis=0)
        if l > 0:
            on = relu_prime(zs[l - 1])
            delta = (delta @ kernels[l].T) * on
    return dW, db


def nudged(parameters, gradients, learning_rate):
    """New arrays, one nudge further."""
    return [p - learning_rate * g for p, g in zip(parameters, gradients)]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = nudged(kernels, kernel_gradients, learning_rate)
    new_biases = nudged(biases, bias_gradients, learning_rate)
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    """Stochastic gradient descent."""
    for rows in batches:
        inputs, targets = x[rows], y[rows]
        zs, activations = forward(kernels, biases, inputs)
        dW, db = backward(kernels, biases, zs, activations, targets)
        kernels, biases = sgd_step(kernels, biases, dW, db, learning_rate)
    return kernels, biases
