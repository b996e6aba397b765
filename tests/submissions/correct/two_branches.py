"""Boolean indexing for the two branches of the sigmoid, and of its derivative."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    result = np.empty(z.shape)
    positive = z >= 0
    result[positive] = 1 / (1 + np.exp(-z[positive]))
    exp_z = np.exp(z[~positive])
    result[~positive] = exp_z / (1 + exp_z)
    return result


def sigmoid_prime(z):
    result = np.zeros(z.shape)
    # farther out the derivative is smaller than 1e-200
    near = np.abs(z) < 460
    e = np.exp(-z[near])
    result[near] = e / (1 + e) ** 2
    return result


def forward(kernels, biases, x):
    num_layers = len(kernels)
    zs = [None] * num_layers
    activations = [None] * (num_layers + 1)
    activations[0] = x
    for i in range(num_layers):
        zs[i] = activations[i] @ kernels[i] + biases[i][np.newaxis, :]
        activations[i + 1] = sigmoid(zs[i])
    return zs, activations


def cost(a, y):
    m, n = a.shape
    return n * np.mean((a - y) ** 2)


def backward(kernels, biases, zs, activations, y):
    m, num_layers = y.shape[0], len(kernels)
    deltas = [None] * num_layers
    deltas[-1] = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for i in range(2, num_layers + 1):
        deltas[-i] = (deltas[-i + 1] @ kernels[-i + 1].T) * sigmoid_prime(zs[-i])
    kernel_gradients = [activations[i].T @ deltas[i] / m for i in range(num_layers)]
    bias_gradients = [np.average(deltas[i], axis=0) for i in range(num_layers)]
    return kernel_gradients, bias_gradients


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    step = [-learning_rate * g for g in kernel_gradients + bias_gradients]
    moved = [p + s for p, s in zip(kernels + biases, step)]
    return moved[: len(kernels)], moved[len(kernels) :]


def train(kernels, biases, x, y, batches, learning_rate):
    i = 0
    while i < len(batches):
        zs, activations = forward(kernels, biases, x[batches[i]])
        dw, db = backward(kernels, biases, zs, activations, y[batches[i]])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
        i += 1
    return kernels, biases
