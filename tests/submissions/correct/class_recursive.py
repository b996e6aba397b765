"""Methods call themselves for the layers that are left; slots, and the slope from the activation."""

# assignment: network-class
import numpy as np


def sigmoid(z):
    return np.where(z < 0, np.exp(np.minimum(z, 0)), 1) / (1 + np.exp(-np.abs(z)))


def sigmoid_prime(z):
    a = sigmoid(z)
    return a * (1 - a)


class Network:
    __slots__ = ("biases", "sizes", "weights")

    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [np.random.standard_normal((n, k)) for k, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.standard_normal((n, 1)) for n in sizes[1:]]

    def feedforward(self, a, layer=0):
        if layer == len(self.weights):
            return a
        return self.feedforward(sigmoid(self.weights[layer] @ a + self.biases[layer]), layer + 1)

    def backprop(self, x, y):
        nabla_b, nabla_w, _ = self._back(x, y, 0)
        return nabla_b, nabla_w

    def _back(self, a, y, layer):
        """The gradients from this layer on, and the derivative by what goes into it."""
        if layer == len(self.weights):
            return [], [], a - y
        out = sigmoid(self.weights[layer] @ a + self.biases[layer])
        nabla_b, nabla_w, slope = self._back(out, y, layer + 1)
        delta = slope * out * (1 - out)
        return [delta, *nabla_b], [delta @ a.T, *nabla_w], self.weights[layer].T @ delta
