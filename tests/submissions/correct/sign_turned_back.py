"""(y - a) all the way back, and a minus sign on the gradients at the end."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    return np.piecewise(z, [z < 0], [lambda v: np.exp(v) / (1 + np.exp(v)), lambda v: 1 / (1 + np.exp(-v))])


def sigmoid_prime(z):
    return np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    return ((y - a) ** 2).sum() / y.shape[0]


def backward(kernels, biases, zs, activations, y):
    error = y - activations[-1]
    kernel_gradients, bias_gradients = [], []
    for l in reversed(range(len(kernels))):
        error = error * sigmoid_prime(zs[l])
        kernel_gradients.append(-2 * activations[l].T @ error / len(y))
        bias_gradients.append(-2 * error.sum(0) / len(y))
        error = error @ kernels[l].T
    return kernel_gradients[::-1], bias_gradients[::-1]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    descent = lambda p, g: p - learning_rate * g
    return [descent(w, g) for w, g in zip(kernels, kernel_gradients)], [
        descent(b, g) for b, g in zip(biases, bias_gradients)
    ]


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
