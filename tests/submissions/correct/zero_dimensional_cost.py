"""The cost is an array without axes; slopes and gradients are kept in dictionaries until the end."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    cache = {"a0": x}
    for l, (w, b) in enumerate(zip(kernels, biases), start=1):
        cache[f"z{l}"] = cache[f"a{l - 1}"] @ w + b
        cache[f"a{l}"] = sigmoid(cache[f"z{l}"])
    num_layers = len(kernels)
    return [cache[f"z{l}"] for l in range(1, num_layers + 1)], [cache[f"a{l}"] for l in range(num_layers + 1)]


def cost(a, y):
    return np.asarray(np.sum((a - y) ** 2) / len(y))


def backward(kernels, biases, zs, activations, y):
    grads = {}
    num_layers, m = len(kernels), len(y)
    grads[f"dz{num_layers}"] = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for l in range(num_layers, 0, -1):
        dz = grads[f"dz{l}"]
        grads[f"dw{l}"] = activations[l - 1].T @ dz / m
        grads[f"db{l}"] = dz.sum(axis=0) / m
        if l > 1:
            grads[f"dz{l - 1}"] = dz @ kernels[l - 1].T * sigmoid_prime(zs[l - 2])
    return [grads[f"dw{l}"] for l in range(1, num_layers + 1)], [grads[f"db{l}"] for l in range(1, num_layers + 1)]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    for l in range(len(kernels)):
        kernels = kernels[:l] + [kernels[l] - learning_rate * kernel_gradients[l]] + kernels[l + 1 :]
        biases = biases[:l] + [biases[l] - learning_rate * bias_gradients[l]] + biases[l + 1 :]
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
