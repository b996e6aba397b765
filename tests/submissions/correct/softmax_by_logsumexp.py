"""Softmax is e to the log-probabilities, z - logsumexp(z); the slope of the ReLU is a boolean array."""

# assignment: softmax
import numpy as np


def relu(z):
    return (np.abs(z) + z) / 2


def relu_prime(z):
    return z > 0


def logsumexp(z):
    return np.logaddexp.reduce(z, axis=1)[:, None]


def softmax(z):
    return np.exp(z - logsumexp(z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for i, (w, b) in enumerate(zip(kernels, biases)):
        zs.append(activations[-1] @ w + b)
        activations.append((softmax if i + 1 == len(kernels) else relu)(zs[-1]))
    return zs, activations


def cost(a, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(y == 0, 0.0, y * np.log(a))
    return -terms.sum(axis=1).mean()


def backward(kernels, biases, zs, activations, y):
    # from z alone: log-probabilities, whose derivative is the identity minus the probabilities
    p = np.exp(zs[-1] - logsumexp(zs[-1]))
    delta = p * y.sum(axis=1, keepdims=True) - y
    dw, db = [None] * len(kernels), [None] * len(kernels)
    for l in reversed(range(len(kernels))):
        dw[l] = activations[l].T @ delta / len(y)
        db[l] = delta.mean(axis=0)
        if l > 0:
            delta = (delta @ kernels[l].T) * relu_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
