"""Backpropagation by hand, one sample after the other, as it is done on paper.

A sample is a vector here, and so are z, a and delta of a layer. What is asked for a whole batch is put together from
the samples at the end. This is slower than matrix products, but every line can be read beside the formulas.
"""

import numpy as np


def sigmoid(z):
    """The activation of every layer."""
    return 0.5 * (1 + np.tanh(z / 2))


def sigmoid_prime(z):
    """The slope of the sigmoid at z."""
    return sigmoid(z) * (1 - sigmoid(z))


def forward_of_one(kernels, biases, sample):
    """z and a of each layer for one sample; a begins with the sample itself."""
    z, a = [], [sample]
    for l in range(len(kernels)):
        weighted = kernels[l].T @ a[l]
        z.append(weighted + biases[l])
        a.append(sigmoid(z[l]))
    return z, a


def forward(kernels, biases, x):
    """The samples one by one, then stacked again: rows are samples."""
    results = [forward_of_one(kernels, biases, sample) for sample in x]
    zs = [np.array([z[l] for z, a in results]) for l in range(len(kernels))]
    activations = [np.array([a[l] for z, a in results]) for l in range(len(kernels) + 1)]
    return zs, activations


def cost(a, y):
    """The cost of a batch, added up over all samples and output units."""
    total = 0.0
    for i in range(len(y)):
        for j in range(len(y[i])):
            total += (a[i, j] - y[i, j]) ** 2
    return total / len(y)


def back_through(kernel, delta):
    """dC/da of the units before a kernel, from the delta of the units behind it."""
    slope = np.zeros(kernel.shape[0])
    for k in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            slope[k] += kernel[k, j] * delta[j]
    return slope


def gradient_of_one(kernels, z, a, target):
    """For each layer a pair: the gradient of its kernel and of its bias, for one sample only."""
    pairs = []
    dC_da = 2 * (a[-1] - target)
    for l in reversed(range(len(kernels))):
        delta = dC_da * sigmoid_prime(z[l])
        pairs.insert(0, (np.outer(a[l], delta), delta))
        dC_da = back_through(kernels[l], delta)
    return pairs


def nothing_yet(kernels, biases):
    """A pair of zeros for each layer, to add to."""
    return [(np.zeros(kernel.shape), np.zeros(bias.shape)) for kernel, bias in zip(kernels, biases)]


def add(total, pairs):
    """Layer by layer."""
    return [(W + dW, b + db) for (W, b), (dW, db) in zip(total, pairs)]


def backward(kernels, biases, zs, activations, y):
    """The gradient for the batch, from the gradients of its samples."""
    total = nothing_yet(kernels, biases)
    for i in range(len(y)):
        pairs = gradient_of_one(kernels, [z[i] for z in zs], [a[i] for a in activations], y[i])
        total = add(total, pairs)
    scale = 1 / len(y)
    return [scale * dW for dW, db in total], [scale * db for dW, db in total]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    """A new list of kernels and a new list of biases, one nudge further."""
    new_kernels, new_biases = [], []
    for l in range(len(kernels)):
        new_kernels.append(kernels[l] - learning_rate * kernel_gradients[l])
        new_biases.append(biases[l] - learning_rate * bias_gradients[l])
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    """Stochastic gradient descent; seen counts the samples that have been added up."""
    for batch in batches:
        total, seen = nothing_yet(kernels, biases), 0
        for i in batch:
            z, a = forward_of_one(kernels, biases, x[i])
            total = add(total, gradient_of_one(kernels, z, a, y[i]))
            seen += 1
        dWs = [dW / seen for dW, db in total]
        dbs = [db / seen for dW, db in total]
        kernels, biases = sgd_step(kernels, biases, dWs, dbs, learning_rate)
    return kernels, biases
