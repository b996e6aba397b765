"""Written for three layers: other networks are refused, or wrong."""

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
    delta3 = 2 * (activations[3] - y) * sigmoid_prime(zs[2])
    delta2 = (delta3 @ kernels[2].T) * sigmoid_prime(zs[1])
    delta1 = (delta2 @ kernels[1].T) * sigmoid_prime(zs[0])
    deltas = [delta1, delta2, delta3]
    return [activations[l].T @ deltas[l] / m for l in range(3)], [delta.sum(axis=0) / m for delta in deltas]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * dw for w, dw in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * db for b, db in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dws, dbs = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dws, dbs, learning_rate)
    return kernels, biases
