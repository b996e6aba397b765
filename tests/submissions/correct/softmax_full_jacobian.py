"""Softmax's whole Jacobian, diag(p) - p p^T, meets the cross-entropy's slope, -y / p."""

# assignment: softmax
import numpy as np


def relu(z):
    return np.where(z > 0, z, 0.0)


def relu_prime(z):
    return np.array(z >= 0, dtype=int)


def softmax(z):
    shifted = z - np.max(z, axis=1).reshape(-1, 1)
    return np.exp(shifted) / np.sum(np.exp(shifted), axis=1).reshape(-1, 1)


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(relu(zs[-1]))
    return zs, activations[:-1] + [softmax(zs[-1])]


def cost(a, y):
    total = 0.0
    for p, t in zip(a, y):
        used = t != 0
        total -= np.sum(t[used] * np.log(p[used]))
    return total / len(y)


def backward(kernels, biases, zs, activations, y):
    p = activations[-1]
    slope = -y / p
    jacobians = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    delta = np.einsum("mi,mij->mj", slope, jacobians)
    dw, db = [], []
    for l in range(len(kernels) - 1, -1, -1):
        dw.append(activations[l].T @ delta / len(y))
        db.append(delta.sum(axis=0) / len(y))
        if l > 0:
            delta = (delta @ kernels[l].T) * relu_prime(zs[l - 1])
    dw.reverse()
    db.reverse()
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
