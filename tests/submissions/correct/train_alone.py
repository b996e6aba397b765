"""No function calls another: train does everything itself, in one piece."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -600, 600)))


def sigmoid_prime(z):
    return 0.25 / np.cosh(np.clip(z, -600, 600) / 2) ** 2


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(1 / (1 + np.exp(-zs[-1])))
    return zs, activations


def cost(a, y):
    return np.sum((a - y) ** 2) / len(y)


def backward(kernels, biases, zs, activations, y):
    slopes = [np.exp(-z) / (1 + np.exp(-z)) ** 2 for z in zs]
    delta = 2 * (activations[-1] - y) * slopes[-1] / len(y)
    dw, db = [activations[-2].T @ delta], [delta.sum(axis=0)]
    for l in range(len(kernels) - 2, -1, -1):
        delta = delta @ kernels[l + 1].T * slopes[l]
        dw.insert(0, activations[l].T @ delta)
        db.insert(0, delta.sum(axis=0))
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    W = [w.copy() for w in kernels]
    B = [b.copy() for b in biases]
    for batch in batches:
        A = [x[batch]]
        for w, b in zip(W, B):
            A.append(1 / (1 + np.exp(-(A[-1] @ w + b))))
        error = A[-1] - y[batch]
        G = []
        for l in range(len(W) - 1, -1, -1):
            error = error * A[l + 1] * (1 - A[l + 1])
            G.append((2 * A[l].T @ error / len(batch), 2 * error.mean(axis=0)))
            error = error @ W[l].T
        for l, (dw, db) in enumerate(reversed(G)):
            W[l] = W[l] - learning_rate * dw
            B[l] = B[l] - learning_rate * db
    return W, B
