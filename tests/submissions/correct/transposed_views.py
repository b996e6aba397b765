"""Works in columns inside, and returns transposed views, none of them contiguous."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    e = np.exp(-np.abs(z.T))
    return np.where(z.T >= 0, 1 / (1 + e), e / (1 + e)).T


def sigmoid_prime(z):
    s = sigmoid(z).T
    return (s * (1 - s)).T


def forward(kernels, biases, x):
    a = x.T
    zs, activations = [], [a]
    for w, b in zip(kernels, biases):
        z = w.T @ a + b.reshape(-1, 1)
        a = sigmoid(z)
        zs.append(z)
        activations.append(a)
    return [z.T for z in zs], [a.T for a in activations]


def cost(a, y):
    return np.sum((a.T - y.T) ** 2, axis=0).mean()


def backward(kernels, biases, zs, activations, y):
    m = y.shape[0]
    delta = 2 * (activations[-1].T - y.T) * sigmoid_prime(zs[-1].T)
    dw, db = [], []
    for l in reversed(range(len(kernels))):
        dw.append((delta @ activations[l] / m).T)
        wide = np.repeat(delta.mean(axis=1, keepdims=True), 2, axis=1)
        db.append(wide[:, 1])
        if l > 0:
            delta = kernels[l] @ delta * sigmoid_prime(zs[l - 1].T)
    return dw[::-1], db[::-1]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [(w.T - learning_rate * g.T).T for w, g in zip(kernels, kernel_gradients)]
    new_biases = [(b[::-1] - learning_rate * g[::-1])[::-1] for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
