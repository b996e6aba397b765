"""A script: the training run and the plot, with matplotlib imported inside, stand under the main guard."""

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
    return np.sum((a - y) ** 2) / len(y)


def backward(kernels, biases, zs, activations, y):
    dw, db = [None] * len(kernels), [None] * len(kernels)
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        dw[l] = activations[l].T @ delta / len(y)
        db[l] = delta.sum(axis=0) / len(y)
        if l > 0:
            delta = delta @ kernels[l].T * sigmoid_prime(zs[l - 1])
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


def main():
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(1)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    y = np.array([[0], [1], [1], [0]], dtype=float)
    kernels = [rng.normal(size=(2, 4)), rng.normal(size=(4, 1))]
    biases = [rng.normal(size=4), rng.normal(size=1)]
    costs = []
    for _ in range(2000):
        kernels, biases = train(kernels, biases, x, y, [rng.permutation(4)], 3.0)
        costs.append(cost(forward(kernels, biases, x)[1][-1], y))
    plt.semilogy(costs)
    plt.show()


if __name__ == "__main__":
    main()
