"""Plain Python lists and the math module inside; NumPy only where arrays come in and go out."""

# assignment: backprop
import math

import numpy as np


def s(v):
    if v < 0:
        return math.exp(v) / (1 + math.exp(v))
    return 1 / (1 + math.exp(-v))


def ds(v):
    return s(v) * (1 - s(v))


def sigmoid(z):
    return np.array([s(v) for v in np.ravel(z).tolist()]).reshape(np.shape(z))


def sigmoid_prime(z):
    return np.array([ds(v) for v in np.ravel(z).tolist()]).reshape(np.shape(z))


def matmul(p, q):
    columns = list(zip(*q))
    return [[sum(u * v for u, v in zip(row, column)) for column in columns] for row in p]


def transposed(p):
    return [list(row) for row in zip(*p)]


def forward(kernels, biases, x):
    zs, activations = [], [x.tolist()]
    for w, b in zip(kernels, biases):
        product = matmul(activations[-1], w.tolist())
        z = [[v + c for v, c in zip(row, b.tolist())] for row in product]
        zs.append(z)
        activations.append([[s(v) for v in row] for row in z])
    return [np.array(z) for z in zs], [np.array(a) for a in activations]


def cost(a, y):
    squares = [(u - v) ** 2 for p, q in zip(a.tolist(), y.tolist()) for u, v in zip(p, q)]
    return sum(squares) / len(y)


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    rows = zip(activations[-1].tolist(), y.tolist(), zs[-1].tolist())
    delta = [[2 * (a - t) * ds(z) for a, t, z in zip(*row)] for row in rows]
    dw, db = [], []
    for l in range(len(kernels) - 1, -1, -1):
        product = matmul(transposed(activations[l].tolist()), delta)
        dw.append([[v / m for v in row] for row in product])
        db.append([sum(column) / m for column in zip(*delta)])
        if l > 0:
            back = matmul(delta, transposed(kernels[l].tolist()))
            delta = [[v * ds(z) for v, z in zip(p, q)] for p, q in zip(back, zs[l - 1].tolist())]
    return [np.array(g) for g in dw[::-1]], [np.array(g) for g in db[::-1]]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    kernels = [np.subtract(w, np.multiply(learning_rate, g)) for w, g in zip(kernels, kernel_gradients)]
    biases = [np.subtract(b, np.multiply(learning_rate, g)) for b, g in zip(biases, bias_gradients)]
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
