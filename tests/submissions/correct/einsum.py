"""All sums written with np.einsum."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -z))


def sigmoid_prime(z):
    return np.exp(-np.logaddexp(0.0, -z) - np.logaddexp(0.0, z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(np.einsum("mi,ij->mj", activations[-1], w) + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    d = a - y
    return np.einsum("mj,mj->", d, d) / d.shape[0]


def backward(kernels, biases, zs, activations, y):
    m = y.shape[0]
    dw, db = [None for _ in kernels], [None for _ in kernels]
    delta = np.einsum(",mj,mj->mj", 2.0, activations[-1] - y, sigmoid_prime(zs[-1]))
    for l in range(len(kernels))[::-1]:
        dw[l] = np.einsum("mi,mj->ij", activations[l], delta) / m
        db[l] = np.einsum("mj->j", delta) / m
        if l:
            delta = np.einsum("mj,ij,mi->mi", delta, kernels[l], sigmoid_prime(zs[l - 1]))
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    def step(pair):
        return pair[0] - learning_rate * pair[1]

    return list(map(step, zip(kernels, kernel_gradients))), list(map(step, zip(biases, bias_gradients)))


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        dw, db = backward(kernels, biases, *forward(kernels, biases, x[batch]), y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
