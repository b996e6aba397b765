"""float32 throughout: right to its precision, which is accepted, and noted."""

# assignment: backprop
# remark: float32
import numpy as np


def f32(array):
    return np.asarray(array, dtype=np.float32)


def sigmoid(z):
    z = f32(z)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


def forward(kernels, biases, x):
    zs, activations = [], [f32(x)]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ f32(w) + f32(b))
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    return np.sum((f32(a) - f32(y)) ** 2) / np.float32(len(y))


def backward(kernels, biases, zs, activations, y):
    m = np.float32(len(y))
    dw, db = [None] * len(kernels), [None] * len(kernels)
    delta = 2 * (f32(activations[-1]) - f32(y)) * sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        dw[l] = f32(activations[l]).T @ delta / m
        db[l] = delta.sum(axis=0) / m
        if l > 0:
            delta = delta @ f32(kernels[l]).T * sigmoid_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    rate = np.float32(learning_rate)
    new_kernels = [f32(w) - rate * f32(g) for w, g in zip(kernels, kernel_gradients)]
    new_biases = [f32(b) - rate * f32(g) for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
