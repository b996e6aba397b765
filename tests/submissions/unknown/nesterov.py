"""Nesterov momentum: the gradient is taken ahead."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


def forward(kernels, biases, x):
    zs = []
    activations = [x]
    for w, b in zip(kernels, biases):
        z = activations[-1] @ w + b
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    return np.sum((a - y) ** 2) / len(y)


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    num_layers = len(kernels)
    kernel_gradients = [None] * num_layers
    bias_gradients = [None] * num_layers
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for l in reversed(range(num_layers)):
        kernel_gradients[l] = activations[l].T @ delta / m
        bias_gradients[l] = delta.sum(axis=0) / m
        if l > 0:
            delta = (delta @ kernels[l].T) * sigmoid_prime(zs[l - 1])
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * dw for w, dw in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * db for b, db in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    n = len(kernels)
    velocity = [np.zeros(p.shape) for p in [*kernels, *biases]]
    for batch in batches:
        ahead = [p + 0.85 * v for p, v in zip([*kernels, *biases], velocity)]
        zs, activations = forward(ahead[:n], ahead[n:], x[batch])
        dws, dbs = backward(ahead[:n], ahead[n:], zs, activations, y[batch])
        velocity = [0.85 * v - learning_rate * g for v, g in zip(velocity, dws + dbs)]
        moved = [p + v for p, v in zip([*kernels, *biases], velocity)]
        kernels, biases = moved[:n], moved[n:]
    return kernels, biases
