"""No chain rule: each parameter gets an imaginary step, which gives the derivative to full precision."""

# assignment: backprop
import numpy as np

STEP = 1e-30


def sigmoid(z):
    s = np.where(z.real < 0, -1, 1)
    e = np.exp(-s * z)
    return np.where(z.real < 0, e, 1) / (1 + e)


def sigmoid_prime(z):
    return sigmoid(z + 1j * STEP).imag / STEP


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for w, b in zip(kernels, biases):
        zs.append(activations[-1] @ w + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(a, y):
    return ((a - y) ** 2).sum() / len(y)


def cost_from(layer, z, kernels, biases, y):
    """The cost, from the z of one layer on."""
    _, activations = forward(kernels[layer + 1 :], biases[layer + 1 :], sigmoid(z))
    return cost(activations[-1], y)


def backward(kernels, biases, zs, activations, y):
    dw, db = [np.zeros(w.shape) for w in kernels], [np.zeros(b.shape) for b in biases]
    for l, z in enumerate(zs):
        # by z of each sample first: as many derivatives as there are units and samples
        by_z = np.zeros(z.shape)
        for index in np.ndindex(z.shape):
            i = index[0]
            moved = z[i : i + 1].astype(complex)
            moved[0, index[1]] += 1j * STEP
            by_z[index] = cost_from(l, moved, kernels, biases, y[i : i + 1]).imag / STEP
        for i in range(len(y)):
            dw[l] += np.outer(activations[l][i], by_z[i]) / len(y)
            db[l] += by_z[i] / len(y)
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
