"""Every sample by itself: gradients are added up in loops and divided at the end."""

# assignment: backprop
import numpy as np


def sigmoid(z):
    z = np.asarray(z)
    out = np.empty_like(z)
    for index in np.ndindex(z.shape):
        v = z[index]
        if v >= 0:
            out[index] = 1 / (1 + np.exp(-v))
        else:
            out[index] = np.exp(v) / (1 + np.exp(v))
    return out


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    samples = []
    for row in x:
        zs, activations = [], [row]
        for w, b in zip(kernels, biases):
            zs.append(w.T.dot(activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        samples.append((zs, activations))
    num_layers = len(kernels)
    zs = [np.array([s[0][l] for s in samples]) for l in range(num_layers)]
    activations = [np.array([s[1][l] for s in samples]) for l in range(num_layers + 1)]
    return zs, activations


def cost(a, y):
    total = 0
    for i in range(len(a)):
        for j in range(len(a[i])):
            total += (a[i, j] - y[i, j]) ** 2
    return total / len(a)


def one_sample(kernels, zs, activations, y):
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    kernel_gradients, bias_gradients = [], []
    for l in range(len(kernels) - 1, -1, -1):
        kernel_gradients.insert(0, np.outer(activations[l], delta))
        bias_gradients.insert(0, delta)
        if l:
            delta = kernels[l].dot(delta) * sigmoid_prime(zs[l - 1])
    return kernel_gradients, bias_gradients


def backward(kernels, biases, zs, activations, y):
    sum_kernels = [np.zeros(w.shape) for w in kernels]
    sum_biases = [np.zeros(b.shape) for b in biases]
    for i in range(y.shape[0]):
        dw, db = one_sample(kernels, [z[i] for z in zs], [a[i] for a in activations], y[i])
        for l in range(len(kernels)):
            sum_kernels[l] += dw[l]
            sum_biases[l] += db[l]
    for l in range(len(kernels)):
        sum_kernels[l] /= y.shape[0]
        sum_biases[l] /= y.shape[0]
    return sum_kernels, sum_biases


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels, new_biases = [], []
    for l in range(len(kernels)):
        new_kernels.append(kernels[l] - learning_rate * kernel_gradients[l])
        new_biases.append(biases[l] - learning_rate * bias_gradients[l])
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        batch_x = np.array([x[i] for i in batch])
        batch_y = np.array([y[i] for i in batch])
        zs, activations = forward(kernels, biases, batch_x)
        gradients = backward(kernels, biases, zs, activations, batch_y)
        kernels, biases = sgd_step(kernels, biases, *gradients, learning_rate)
    return kernels, biases
