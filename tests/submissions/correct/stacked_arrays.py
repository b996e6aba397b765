"""One array of all layers where their shapes are equal, lists where they are not."""

# assignment: backprop
import numpy as np


def stacked(arrays):
    same = len({a.shape for a in arrays}) == 1
    return np.stack(arrays) if same else list(arrays)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(sigmoid(zs[-1]))
    return stacked(zs), stacked(activations)


def cost(a, y):
    return np.mean(np.sum((a - y) ** 2, axis=1))


def backward(kernels, biases, zs, activations, y):
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    dw, db = [], []
    for l in reversed(range(len(kernels))):
        # every sample's outer product, and their mean
        dw.insert(0, np.mean(activations[l][:, :, None] * delta[:, None, :], axis=0))
        db.insert(0, delta.mean(axis=0))
        if l > 0:
            delta = delta @ kernels[l].T * sigmoid_prime(zs[l - 1])
    return stacked(dw), stacked(db)


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return stacked(new_kernels), stacked(new_biases)


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
