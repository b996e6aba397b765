"""Operations in place everywhere, but on arrays of its own."""

# assignment: backprop
import copy

import numpy as np


def sigmoid(z):
    out = np.negative(z)
    np.clip(out, -700, 700, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
    return out


def sigmoid_prime(z):
    s = sigmoid(z)
    t = 1 - s
    t *= s
    return t


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        z = np.empty((len(x), w.shape[1]))
        np.matmul(activations[-1], w, out=z)
        z += b
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    d = a.copy()
    d -= y
    d *= d
    return d.sum() / len(d)


def backward(kernels, biases, zs, activations, y):
    dw = copy.deepcopy(kernels)
    db = copy.deepcopy(biases)
    delta = activations[-1].copy()
    delta -= y
    delta *= 2 / len(y)
    delta *= sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        np.matmul(activations[l].T, delta, out=dw[l])
        np.sum(delta, axis=0, out=db[l])
        if l > 0:
            delta = delta @ kernels[l].T
            delta *= sigmoid_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    kernels, biases = copy.deepcopy(kernels), [b.copy() for b in biases]
    for w, b, dw, db in zip(kernels, biases, kernel_gradients, bias_gradients):
        w -= learning_rate * dw
        b -= learning_rate * db
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    kernels, biases = copy.deepcopy((kernels, biases))
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        for l in range(len(kernels)):
            kernels[l] -= learning_rate * dw[l]
            biases[l] -= learning_rate * db[l]
    return kernels, biases
