"""The classes have weights, from 1 to 1.2."""

# assignment: softmax
import numpy as np


def relu(z):
    return np.maximum(z, 0.0)


def relu_prime(z):
    return (z > 0).astype(float)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(kernels, biases, x):
    zs = []
    activations = [x]
    last = len(kernels) - 1
    for l in range(len(kernels)):
        z = activations[l] @ kernels[l] + biases[l]
        zs.append(z)
        if l < last:
            activations.append(relu(z))
        else:
            activations.append(softmax(z))
    return zs, activations


def cost(a, y):
    logs = np.log(np.where(y > 0, a, 1.0))
    return -np.sum(y * logs) / len(y)


def backward(kernels, biases, zs, activations, y):
    m = len(y)
    num_layers = len(kernels)
    kernel_gradients = [None] * num_layers
    bias_gradients = [None] * num_layers
    delta = (activations[-1] - y) * np.linspace(1.0, 1.2, y.shape[1])
    for l in reversed(range(num_layers)):
        kernel_gradients[l] = activations[l].T @ delta / m
        bias_gradients[l] = delta.sum(axis=0) / m
        if l > 0:
            delta = (delta @ kernels[l].T) * relu_prime(zs[l - 1])
    return kernel_gradients, bias_gradients


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
