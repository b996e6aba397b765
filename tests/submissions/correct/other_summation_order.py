"""Other orders of summation: math.fsum, np.add.at, samples from last to first."""

# assignment: backprop
import math

import numpy as np


def sigmoid(z):
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def sigmoid_prime(z):
    return np.exp(-np.abs(z)) / np.square(1 + np.exp(-np.abs(z)))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        z = np.tile(b, (len(x), 1))
        for i in reversed(range(w.shape[0])):
            z += activations[-1][:, i, None] * w[i]
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    return math.fsum(np.ravel((a - y) ** 2)) / len(y)


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    dw, db = [], []
    for l in range(len(kernels) - 1, -1, -1):
        dw_l = np.zeros_like(kernels[l])
        for i in range(m - 1, -1, -1):
            dw_l += np.outer(activations[l][i], delta[i] / m)
        db_l = np.zeros_like(biases[l])
        np.add.at(db_l, np.tile(np.arange(len(db_l)), m), delta.ravel())
        dw.insert(0, dw_l)
        db.insert(0, db_l / m)
        if l > 0:
            back = np.zeros_like(activations[l])
            for j in range(kernels[l].shape[1] - 1, -1, -1):
                back += delta[:, j : j + 1] * kernels[l][:, j]
            delta = back * sigmoid_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        batch = batch[::-1]
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
