"""All arrays in Fortran order, also those that are returned."""

# assignment: backprop
import numpy as np

F = np.asfortranarray


def sigmoid(z):
    z = F(z)
    e = np.exp(-np.abs(z))
    return F(np.where(z >= 0, 1 / (1 + e), e / (1 + e)))


def sigmoid_prime(z):
    return F(sigmoid(z) * (1 - sigmoid(z)))


def forward(kernels, biases, x):
    zs, activations = [], [F(x)]
    for w, b in zip(kernels, biases):
        z = np.zeros((x.shape[0], w.shape[1]), order="F")
        z[...] = activations[-1] @ F(w) + b
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    return np.sum(np.square(F(a) - F(y)).ravel(order="F")) / len(y)


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    dw = [np.empty(w.shape, order="F") for w in kernels]
    db = [np.empty(b.shape, order="F") for b in biases]
    delta = F(2 * (activations[-1] - y) * sigmoid_prime(zs[-1]))
    for l in range(len(kernels) - 1, -1, -1):
        dw[l][...] = F(activations[l]).T @ delta / m
        db[l][...] = delta.mean(axis=0)
        if l > 0:
            delta = F((delta @ kernels[l].T) * sigmoid_prime(zs[l - 1]))
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [F(w - learning_rate * g) for w, g in zip(kernels, kernel_gradients)]
    new_biases = [F(b - learning_rate * g) for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
