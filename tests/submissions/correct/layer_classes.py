"""Classes for the layers do the work; the functions asked for only call them."""

# assignment: backprop
import numpy as np


class Sigmoid:
    @staticmethod
    def f(z):
        return 0.5 * (1 + np.tanh(0.5 * z))

    @classmethod
    def df(cls, z):
        return cls.f(z) * (1 - cls.f(z))


class Layer:
    def __init__(self, kernel, bias):
        self.kernel = kernel
        self.bias = bias
        self.a_before = None
        self.z = None

    def forward(self, a_before):
        self.a_before = a_before
        self.z = a_before @ self.kernel + self.bias
        self.a = Sigmoid.f(self.z)
        return self.a

    def backward(self, dC_da):
        delta = dC_da * Sigmoid.df(self.z)
        self.kernel_gradient = self.a_before.T @ delta
        self.bias_gradient = delta.sum(axis=0)
        return delta @ self.kernel.T


class Net:
    def __init__(self, kernels, biases):
        self.layers = [Layer(w, b) for w, b in zip(kernels, biases)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def remember(self, zs, activations):
        for layer, z, a_before, a in zip(self.layers, zs, activations[:-1], activations[1:]):
            layer.z, layer.a_before, layer.a = z, a_before, a

    def backward(self, y):
        slope = 2 * (self.layers[-1].a - y) / len(y)
        for layer in reversed(self.layers):
            slope = layer.backward(slope)

    def step(self, rate):
        for layer in self.layers:
            layer.kernel = layer.kernel - rate * layer.kernel_gradient
            layer.bias = layer.bias - rate * layer.bias_gradient

    @property
    def parameters(self):
        return [layer.kernel for layer in self.layers], [layer.bias for layer in self.layers]


def sigmoid(z):
    return Sigmoid.f(z)


def sigmoid_prime(z):
    return Sigmoid.df(z)


def forward(kernels, biases, x):
    net = Net(kernels, biases)
    net(x)
    return [layer.z for layer in net.layers], [x] + [layer.a for layer in net.layers]


def cost(a, y):
    return float(((a - y) ** 2).sum(axis=1).mean())


def backward(kernels, biases, zs, activations, y):
    net = Net(kernels, biases)
    net.remember(zs, activations)
    net.backward(y)
    return [layer.kernel_gradient for layer in net.layers], [layer.bias_gradient for layer in net.layers]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    net = Net(kernels, biases)
    for layer, dw, db in zip(net.layers, kernel_gradients, bias_gradients):
        layer.kernel_gradient, layer.bias_gradient = dw, db
    net.step(learning_rate)
    return net.parameters


def train(kernels, biases, x, y, batches, learning_rate):
    net = Net(kernels, biases)
    for batch in batches:
        net(x[batch])
        net.backward(y[batch])
        net.step(learning_rate)
    return net.parameters
