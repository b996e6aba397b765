"""Weights and biases are properties: inside, the bias is a further column of the weights."""

# assignment: network-class
import numpy as np


def sigmoid(z):
    return (np.tanh(z / 2) + 1) / 2


def sigmoid_prime(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


class Network:
    def __init__(self, sizes):
        self._matrices = [np.random.randn(n, k + 1) for k, n in zip(sizes[:-1], sizes[1:])]

    @property
    def weights(self):
        return [u[:, :-1] for u in self._matrices]

    @weights.setter
    def weights(self, values):
        self._matrices = [np.hstack([w, u[:, -1:]]) for w, u in zip(values, self._matrices)]

    @property
    def biases(self):
        return [u[:, -1:] for u in self._matrices]

    @biases.setter
    def biases(self, values):
        self._matrices = [np.hstack([u[:, :-1], b]) for b, u in zip(values, self._matrices)]

    @staticmethod
    def _extended(a):
        return np.vstack([a, [[1.0]]])

    def feedforward(self, a):
        for u in self._matrices:
            a = sigmoid(u @ self._extended(a))
        return a

    def backprop(self, x, y):
        zs, inputs, a = [], [], x
        for u in self._matrices:
            inputs.append(self._extended(a))
            zs.append(u @ inputs[-1])
            a = sigmoid(zs[-1])
        delta = (a - y) * sigmoid_prime(zs[-1])
        gradients = [delta @ inputs[-1].T]
        for l in range(len(zs) - 2, -1, -1):
            delta = (self._matrices[l + 1].T @ delta)[:-1] * sigmoid_prime(zs[l])
            gradients.append(delta @ inputs[l].T)
        gradients.reverse()
        return [g[:, -1:] for g in gradients], [g[:, :-1] for g in gradients]
