"""The step copies, then subtracts in place; backward keeps a list of layers from the output's side."""

# assignment: backprop
import numpy as np


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
    return zs, activations


def cost(a, y):
    return sum(np.sum((a - y) ** 2, axis=1)) / len(a)


def backward(kernels, biases, zs, activations, y):
    kernel_gradients = [np.zeros_like(w) for w in kernels]
    bias_gradients = [np.zeros_like(b) for b in biases]
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    bias_gradients[-1] += delta.mean(axis=0)
    kernel_gradients[-1] += activations[-2].T @ delta / len(y)
    for l in range(2, len(activations)):
        delta = delta @ kernels[-l + 1].T * sigmoid_prime(zs[-l])
        bias_gradients[-l] += delta.mean(axis=0)
        kernel_gradients[-l] += activations[-l - 1].T @ delta / len(y)
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    kernels = [w.copy() for w in kernels]
    biases = [b.copy() for b in biases]
    for l in range(len(kernels)):
        kernels[l] -= learning_rate * kernel_gradients[l]
        biases[l] -= learning_rate * bias_gradients[l]
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
