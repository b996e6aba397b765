"""The slope is a * (1 - a), taken from the activations; sigmoid_prime is written, and not used."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    z = np.clip(z, -700, 700)
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    a = sigmoid(z)
    return a - a * a


def forward(kernels, biases, x):
    a = x
    zs, activations = [], [a]
    for l in range(len(kernels)):
        z = np.matmul(a, kernels[l]) + biases[l]
        a = sigmoid(z)
        zs += [z]
        activations += [a]
    return zs, activations


def cost(a, y):
    return np.square(a - y).sum(axis=1).mean()


def backward(kernels, biases, zs, activations, y):
    a = activations[-1]
    delta = 2 * (a - y) * a * (1 - a)
    dw, db = [], []
    for l in range(len(kernels), 0, -1):
        dw = [np.matmul(activations[l - 1].T, delta) / len(delta), *dw]
        db = [np.mean(delta, 0), *db]
        if l > 1:
            a = activations[l - 1]
            delta = np.matmul(delta, kernels[l - 1].T) * a * (1 - a)
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    kernels = [kernels[l] - learning_rate * kernel_gradients[l] for l in range(len(kernels))]
    biases = [biases[l] - learning_rate * bias_gradients[l] for l in range(len(biases))]
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        xb, yb = x[batch, :], y[batch, :]
        zs, activations = forward(kernels, biases, xb)
        dw, db = backward(kernels, biases, zs, activations, yb)
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
