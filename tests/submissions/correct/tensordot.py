"""np.tensordot over the batch axis, and np.add.reduce for the biases."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * sigmoid(-z)


def forward(kernels, biases, x):
    zs, activations = [], [x.copy()]
    for kernel, bias in zip(kernels, biases):
        z = np.tensordot(activations[-1], kernel, axes=(1, 0))
        z += bias
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    difference = (a - y).reshape(-1)
    return np.tensordot(difference, difference, axes=1) / a.shape[0]


def backward(kernels, biases, zs, activations, y):
    m = np.shape(y)[0]
    delta = (2 / m) * (activations[-1] - y) * sigmoid_prime(zs[-1])
    kernel_gradients, bias_gradients = [], []
    layer = len(kernels) - 1
    while layer >= 0:
        kernel_gradients.append(np.tensordot(activations[layer], delta, axes=(0, 0)))
        bias_gradients.append(np.add.reduce(delta, axis=0))
        if layer > 0:
            delta = np.tensordot(delta, kernels[layer], axes=(1, 1)) * sigmoid_prime(zs[layer - 1])
        layer -= 1
    kernel_gradients.reverse()
    bias_gradients.reverse()
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new = [[], []]
    for k, (parameters, gradients) in enumerate([(kernels, kernel_gradients), (biases, bias_gradients)]):
        for p, g in zip(parameters, gradients):
            new[k].append(p + -learning_rate * g)
    return new[0], new[1]


def train(kernels, biases, x, y, batches, learning_rate):
    for rows in batches:
        zs, activations = forward(kernels, biases, np.take(x, rows, axis=0))
        gradients = backward(kernels, biases, zs, activations, np.take(y, rows, axis=0))
        kernels, biases = sgd_step(kernels, biases, gradients[0], gradients[1], learning_rate)
    return kernels, biases
