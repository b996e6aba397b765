"""ReLU and softmax with samples in columns and column biases; the kernels as asked, (inputs, outputs)."""

# assignment: softmax
# remark: layout
import numpy as np


def relu(z):
    return z * (z > 0)


def relu_prime(z):
    return np.where(z > 0, 1.0, 0.0)


def softmax(z):
    e = np.exp(z - np.max(z, axis=0))
    return e / np.sum(e, axis=0)


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(w.T @ activations[-1] + b)
        activations.append(relu(zs[-1]))
    activations[-1] = softmax(zs[-1])
    return zs, activations


def cost(a, y):
    terms = np.zeros(y.shape)
    terms[y > 0] = y[y > 0] * np.log(a[y > 0])
    return -terms.sum(axis=0).mean()


def backward(kernels, biases, zs, activations, y):
    m = y.shape[1]
    dw, db = [None] * len(kernels), [None] * len(kernels)
    delta = activations[-1] - y
    for l in range(len(kernels) - 1, -1, -1):
        dw[l] = activations[l] @ delta.T / m
        db[l] = delta.sum(axis=1).reshape(-1, 1) / m
        if l > 0:
            delta = kernels[l] @ delta * relu_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[:, batch])
        dw, db = backward(kernels, biases, zs, activations, y[:, batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
