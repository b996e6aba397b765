"""The cost comes as an array of shape (1,), biases' gradients as (1, n): the same numbers."""

# assignment: backprop
# remark: shapes
import numpy as np


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    return np.mean(np.sum((a - y) ** 2, axis=1, keepdims=True), axis=0)


def backward(kernels, biases, zs, activations, y):
    dw, db = [None] * len(kernels), [None] * len(kernels)
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        dw[l] = activations[l].T @ delta / len(y)
        db[l] = delta.mean(axis=0, keepdims=True)
        if l > 0:
            delta = delta @ kernels[l].T * sigmoid_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g.reshape(b.shape) for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
