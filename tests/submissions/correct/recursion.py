"""Recursion over the layers, there and back, and over the batches; no loop statement anywhere."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    positive = z >= 0
    e = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1.0, e) / (1.0 + e)


def sigmoid_prime(z):
    return sigmoid(z) * (1.0 - sigmoid(z))


def forward(kernels, biases, x):
    if not kernels:
        return [], [x]
    z = x @ kernels[0] + biases[0]
    zs, activations = forward(kernels[1:], biases[1:], sigmoid(z))
    return [z, *zs], [x, *activations]


def cost(a, y):
    return np.sum((a - y) ** 2, axis=-1).mean()


def back(delta, kernels, zs, activations):
    """The gradients of all layers up to the one whose delta is given."""
    dw = activations[-1].T @ delta / len(delta)
    db = delta.mean(axis=0)
    if len(kernels) == 1:
        return [dw], [db]
    before = (delta @ kernels[-1].T) * sigmoid_prime(zs[-2])
    dws, dbs = back(before, kernels[:-1], zs[:-1], activations[:-1])
    return [*dws, dw], [*dbs, db]


def backward(kernels, biases, zs, activations, y):
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    return back(delta, kernels, zs, activations[:-1])


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    if not kernels:
        return [], []
    w = kernels[0] - learning_rate * kernel_gradients[0]
    b = biases[0] - learning_rate * bias_gradients[0]
    ws, bs = sgd_step(kernels[1:], biases[1:], kernel_gradients[1:], bias_gradients[1:], learning_rate)
    return [w, *ws], [b, *bs]


def train(kernels, biases, x, y, batches, learning_rate):
    if len(batches) == 0:
        return kernels, biases
    zs, activations = forward(kernels, biases, x[batches[0]])
    gradients = backward(kernels, biases, zs, activations, y[batches[0]])
    kernels, biases = sgd_step(kernels, biases, *gradients, learning_rate)
    return train(kernels, biases, x, y, batches[1:], learning_rate)
