"""The cost is a Frobenius norm, squared; np.dot and the methods of arrays do the rest."""

# assignment: backprop
import numpy as np
from numpy import linalg as LA


def sigmoid(z):
    return np.divide(1.0, 1.0 + np.exp(-z.clip(-708.0, 708.0)))


def sigmoid_prime(z):
    return np.multiply(sigmoid(z), sigmoid(-z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1].dot(w).__add__(b))
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    return LA.norm(a - y, "fro") ** 2 / a.shape[0]


def backward(kernels, biases, zs, activations, y):
    scale = 2 / y.shape[0]
    delta = scale * np.subtract(activations[-1], y) * sigmoid_prime(zs[-1])
    dw, db = {}, {}
    for l in sorted(range(len(kernels)), reverse=True):
        dw[l] = np.dot(activations[l].transpose(), delta)
        db[l] = np.dot(np.ones(y.shape[0]), delta)
        delta = np.dot(delta, kernels[l].transpose())
        if l:
            delta = np.multiply(delta, sigmoid_prime(zs[l - 1]))
    return [dw[l] for l in sorted(dw)], [db[l] for l in sorted(db)]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [np.subtract(w, np.multiply(learning_rate, g)) for w, g in zip(kernels, kernel_gradients)]
    new_biases = [np.subtract(b, np.multiply(learning_rate, g)) for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x.take(batch, axis=0))
        dw, db = backward(kernels, biases, zs, activations, y.take(batch, axis=0))
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
