"""A tiny number, 1e-300, in the logarithm: it changes no digit, and 0 log 0 is 0."""

# assignment: softmax
import numpy as np

EPS = 1e-300


def relu(z):
    return np.clip(z, 0, None)


def relu_prime(z):
    return np.sign(relu(z))


def softmax(z):
    return np.array([np.exp(row - max(row)) / sum(np.exp(row - max(row))) for row in z])


def forward(kernels, biases, x):
    functions = [relu] * (len(kernels) - 1) + [softmax]
    zs, activations = [], [x]
    for w, b, function in zip(kernels, biases, functions):
        zs.append(activations[-1] @ w + b)
        activations.append(function(zs[-1]))
    return zs, activations


def cost(a, y):
    return -np.mean(np.sum(y * np.log(a + EPS), axis=1))


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    dw, db = [0] * len(kernels), [0] * len(kernels)
    delta = activations[-1] - y
    for l in range(len(kernels) - 1, 0, -1):
        dw[l] = np.dot(activations[l].T, delta) / m
        db[l] = np.mean(delta, axis=0)
        delta = np.where(zs[l - 1] > 0, np.dot(delta, kernels[l].T), 0)
    dw[0] = np.dot(activations[0].T, delta) / m
    db[0] = np.mean(delta, axis=0)
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
