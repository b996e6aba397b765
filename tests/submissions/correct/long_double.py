"""Computes in np.longdouble, and gives back float64."""

# assignment: backprop
import numpy as np

EXACT = np.longdouble


def exact(array):
    return np.asarray(array, dtype=EXACT)


def plain(arrays):
    return [a.astype(np.float64) for a in arrays]


def s(z):
    return 1 / (1 + np.exp(-z))


def sigmoid(z):
    return s(exact(z)).astype(np.float64)


def sigmoid_prime(z):
    z = exact(z)
    return (s(z) * s(-z)).astype(np.float64)


def forward(kernels, biases, x):
    zs, activations = [], [exact(x)]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ exact(w) + exact(b))
        activations.append(s(zs[-1]))
    return plain(zs), plain(activations)


def cost(a, y):
    return float(((exact(a) - exact(y)) ** 2).sum() / len(y))


def backward(kernels, biases, zs, activations, y):
    dw, db = [], []
    slope = 2 * (exact(activations[-1]) - exact(y))
    for w, z, a in zip(reversed(kernels), reversed(zs), reversed(activations[:-1])):
        delta = slope * s(exact(z)) * s(-exact(z))
        dw.insert(0, exact(a).T @ delta / len(y))
        db.insert(0, delta.mean(axis=0))
        slope = delta @ exact(w).T
    return plain(dw), plain(db)


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [exact(w) - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [exact(b) - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return plain(new_kernels), plain(new_biases)


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
