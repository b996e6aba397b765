"""The network keeps one forward method for both its tasks, and outer products in place of matrix products."""

# assignment: network-class
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -709, 709)))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Base:
    def feedforward(self, a):
        return self._run(a)[1][-1]

    def _run(self, a):
        zs, activations = [], [a]
        for w, b in zip(self.weights, self.biases):
            zs.append(np.matmul(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        return zs, activations


class Network(Base):
    def __init__(self, sizes):
        rng = np.random.default_rng(0)
        self.sizes = tuple(sizes)
        self.weights = [rng.normal(size=(n, k)) / np.sqrt(k) for k, n in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((n, 1)) for n in sizes[1:]]

    def backprop(self, x, y):
        zs, activations = self._run(x)
        slope = activations[-1] - y
        nabla_b, nabla_w = [], []
        for w, z, a in reversed(list(zip(self.weights, zs, activations))):
            delta = slope * sigmoid_prime(z)
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.outer(delta, a))
            slope = np.dot(w.T, delta)
        return nabla_b, nabla_w
