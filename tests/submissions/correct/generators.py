"""Generators yield layer after layer, and gradient after gradient."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def layers(kernels, biases, x):
    a = x
    for w, b in zip(kernels, biases):
        z = a @ w + b
        a = sigmoid(z)
        yield z, a


def forward(kernels, biases, x):
    zs, activations = zip(*layers(kernels, biases, x))
    return list(zs), [x, *activations]


def deltas(kernels, zs, activations, y):
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    yield delta
    for w, z in zip(kernels[:0:-1], zs[-2::-1]):
        delta = delta @ w.T * sigmoid_prime(z)
        yield delta


def cost(a, y):
    return sum(((p - t) ** 2).sum() for p, t in zip(a, y)) / len(y)


def backward(kernels, biases, zs, activations, y):
    back = list(deltas(kernels, zs, activations, y))[::-1]
    dw = [a.T @ d / len(y) for a, d in zip(activations, back)]
    db = [d.mean(axis=0) for d in back]
    return dw, db


def steps(parameters, gradients, rate):
    for p, g in zip(parameters, gradients):
        yield p - rate * g


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    return list(steps(kernels, kernel_gradients, learning_rate)), list(steps(biases, bias_gradients, learning_rate))


def descent(kernels, biases, x, y, batches, learning_rate):
    yield kernels, biases
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        kernels, biases = sgd_step(
            kernels, biases, *backward(kernels, biases, zs, activations, y[batch]), learning_rate
        )
        yield kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    *_, last = descent(kernels, biases, x, y, batches, learning_rate)
    return last
