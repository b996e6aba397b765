"""Backpropagation by hand, with the bias as one more row of the kernel.

A bias is the weight of an input that is always 1. So each layer has one matrix of parameters, P (inputs + 1, units),
with the bias as its last row, and each matrix of activations gets a column of ones. Rows are samples.
"""

import numpy as np


def sigmoid(z):
    """The logistic function, by way of a logarithm that NumPy computes safely."""
    return np.exp(-np.logaddexp(0, -z))


def sigmoid_prime(z):
    return sigmoid(z) * sigmoid(-z)


def joined(kernels, biases):
    """A list of P, one for each layer."""
    return [np.vstack([kernel, bias]) for kernel, bias in zip(kernels, biases)]


def parted(matrices):
    """The way back from P to kernels and biases; copies, so that nobody shares memory."""
    return [P[:-1].copy() for P in matrices], [P[-1].copy() for P in matrices]


def with_ones(a):
    """The activations that go into a layer, and the input that belongs to its bias."""
    ones = np.ones((len(a), 1))
    return np.hstack([a, ones])  # (m, inputs + 1)


def there(P, x):
    """The forward pass."""
    z, a = [], [x]
    for l in range(len(P)):
        z.append(with_ones(a[l]) @ P[l])
        a.append(sigmoid(z[l]))
    return z, a


def back(P, z, a, y, G):
    """The backward pass. It fills G, which has a matrix like P for each layer."""
    m = y.shape[0]
    delta = 2 * (a[-1] - y) * sigmoid_prime(z[-1])
    l = len(P) - 1
    while l >= 0:
        G[l] = with_ones(a[l]).T @ delta / m
        l -= 1
        if l >= 0:
            kernel = P[l + 1][:-1]  # without the bias: no unit lies before it
            delta = (delta @ kernel.T) * sigmoid_prime(z[l])


def step(P, G, learning_rate):
    return [p - learning_rate * g for p, g in zip(P, G)]


# --- the functions of the assignment ---


def forward(kernels, biases, x):
    return there(joined(kernels, biases), x)


def cost(a, y):
    difference = (a - y).ravel()
    return difference @ difference / a.shape[0]


def backward(kernels, biases, zs, activations, y):
    P = joined(kernels, biases)
    G = [np.zeros(p.shape) for p in P]
    back(P, zs, activations, y, G)
    return parted(G)


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    P, G = joined(kernels, biases), joined(kernel_gradients, bias_gradients)
    return parted(step(P, G, learning_rate))


def train(kernels, biases, x, y, batches, learning_rate):
    P = joined(kernels, biases)
    G = [np.zeros(p.shape) for p in P]  # used again and again
    for t in range(len(batches)):
        rows = batches[t]
        z, a = there(P, x[rows])
        back(P, z, a, y[rows], G)
        P = step(P, G, learning_rate)
    return parted(P)
