"""The naive sigmoid: NumPy warns of an overflow at z = -1000, and the value, 0, is right."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    zs = []
    activations = [x]
    a = x
    for w, b in zip(kernels, biases):
        z = np.dot(a, w) + b
        zs.append(z)
        a = sigmoid(z)
        activations.append(a)
    return zs, activations


def cost(a, y):
    return np.mean(np.sum((a - y) ** 2, axis=1))


def backward(kernels, biases, zs, activations, y):
    m = y.shape[0]
    nabla_w = [np.zeros(w.shape) for w in kernels]
    nabla_b = [np.zeros(b.shape) for b in biases]
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta.mean(axis=0)
    nabla_w[-1] = np.dot(activations[-2].T, delta) / m
    for l in range(2, len(kernels) + 1):
        delta = np.dot(delta, kernels[-l + 1].T) * sigmoid_prime(zs[-l])
        nabla_b[-l] = delta.mean(axis=0)
        nabla_w[-l] = np.dot(activations[-l - 1].T, delta) / m
    return nabla_w, nabla_b


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    kernels = [w - learning_rate * nw for w, nw in zip(kernels, kernel_gradients)]
    biases = [b - learning_rate * nb for b, nb in zip(biases, bias_gradients)]
    return kernels, biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        nabla_w, nabla_b = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, nabla_w, nabla_b, learning_rate)
    return kernels, biases
