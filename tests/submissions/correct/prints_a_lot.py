"""Prints arrays, shapes and a progress bar in every call, to both streams."""

# assignment: backprop
import sys
import warnings

import numpy as np

print("Loading the solution of group 7 ...")
np.set_printoptions(threshold=50, precision=3)


def sigmoid(z):
    print("sigmoid of", z)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    print("shape of z:", z.shape, file=sys.stderr)
    return sigmoid(z) * (1 - sigmoid(z))


def forward(kernels, biases, x):
    zs, activations = [], [x]
    for l, (w, b) in enumerate(zip(kernels, biases)):
        zs.append(activations[-1] @ w + b)
        activations.append(sigmoid(zs[-1]))
        print(f"layer {l}: kernel {w.shape}, z {zs[-1].shape}\n{activations[-1]!r}")
    return zs, activations


def cost(a, y):
    value = np.sum((a - y) ** 2) / len(y)
    sys.stdout.write(f"cost = {value}\r")
    return value


def backward(kernels, biases, zs, activations, y):
    warnings.warn("now going backwards", stacklevel=1)
    dw, db = [None] * len(kernels), [None] * len(kernels)
    delta = 2 * (activations[-1] - y) * sigmoid_prime(zs[-1])
    for l in range(len(kernels) - 1, -1, -1):
        dw[l] = activations[l].T @ delta / len(y)
        db[l] = delta.sum(axis=0) / len(y)
        print("δ =", delta, "∂C/∂W =", dw[l], "∂C/∂b =", db[l], sep="\n")
        if l > 0:
            delta = delta @ kernels[l].T * sigmoid_prime(zs[l - 1])
    return dw, db


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    print("." * 1000, flush=True)
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for i, batch in enumerate(batches):
        print("\r[" + "=" * i + ">" + " " * (len(batches) - i) + "]", end="")
        zs, activations = forward(kernels, biases, x[batch])
        print("cost:", cost(activations[-1], y[batch]))
        dw, db = backward(kernels, biases, zs, activations, y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
