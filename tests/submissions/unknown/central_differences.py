"""The gradient is made of central differences: good to nine digits or so, not to ten."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


def forward(kernels, biases, x):
    zs = []
    activations = [x]
    for w, b in zip(kernels, biases):
        z = activations[-1] @ w + b
        zs.append(z)
        activations.append(sigmoid(z))
    return zs, activations


def cost(a, y):
    return np.sum((a - y) ** 2) / len(y)


def backward(kernels, biases, zs, activations, y):
    h = 1e-4
    kernels = [w.copy() for w in kernels]
    biases = [b.copy() for b in biases]
    gradients = []
    for parameters in (kernels, biases):
        gradients.append([])
        for p in parameters:
            gradient = np.zeros(p.shape)
            for index in np.ndindex(p.shape):
                before = p[index]
                p[index] = before + h
                up = cost(forward(kernels, biases, activations[0])[1][-1], y)
                p[index] = before - h
                down = cost(forward(kernels, biases, activations[0])[1][-1], y)
                gradient[index] = (up - down) / (2 * h)
                p[index] = before
            gradients[-1].append(gradient)
    return gradients[0], gradients[1]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * dw for w, dw in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * db for b, db in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        zs, activations = forward(kernels, biases, x[batch])
        dws, dbs = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dws, dbs, learning_rate)
    return kernels, biases
