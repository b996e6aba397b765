"""A tape: each operation remembers how to send a gradient back."""

# assignment: backprop
import numpy as np


class Var:
    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = value, parents, np.zeros(np.shape(value))

    def __matmul__(self, other):
        return Var(self.value @ other.value, [(self, lambda g: g @ other.value.T), (other, lambda g: self.value.T @ g)])

    def __add__(self, other):
        return Var(self.value + other.value, [(self, lambda g: g), (other, lambda g: g.sum(axis=0))])

    def __sub__(self, constant):
        return Var(self.value - constant, [(self, lambda g: g)])

    def squared(self):
        return Var(self.value**2, [(self, lambda g: 2 * self.value * g)])

    def mean_of_rows(self):
        m = len(self.value)
        return Var(self.value.sum() / m, [(self, lambda g: np.full(self.value.shape, g / m))])

    def sigmoid(self):
        a = sigmoid(self.value)
        return Var(a, [(self, lambda g: g * a * (1 - a))])

    def backward(self, g=1.0):
        # a chain of layers: no value is used twice, so depth first will do
        self.grad = self.grad + g
        for parent, rule in self.parents:
            parent.backward(rule(g))


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_prime(z):
    v = Var(z)
    v.sigmoid().backward(np.ones(z.shape))
    return v.grad


def run(kernels, biases, x):
    a = Var(x)
    zs, activations = [], [a]
    for w, b in zip(kernels, biases):
        zs.append(a @ w + b)
        a = zs[-1].sigmoid()
        activations.append(a)
    return zs, activations


def forward(kernels, biases, x):
    zs, activations = run(list(map(Var, kernels)), list(map(Var, biases)), x)
    return [z.value for z in zs], [a.value for a in activations]


def cost(a, y):
    return (Var(a) - y).squared().mean_of_rows().value


def backward(kernels, biases, zs, activations, y):
    ws, bs = list(map(Var, kernels)), list(map(Var, biases))
    _, tape = run(ws, bs, activations[0])
    (tape[-1] - y).squared().mean_of_rows().backward()
    return [w.grad for w in ws], [b.grad for b in bs]


def sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    new_kernels = [w - learning_rate * g for w, g in zip(kernels, kernel_gradients)]
    new_biases = [b - learning_rate * g for b, g in zip(biases, bias_gradients)]
    return new_kernels, new_biases


def train(kernels, biases, x, y, batches, learning_rate):
    for batch in batches:
        dw, db = backward(kernels, biases, None, [x[batch]], y[batch])
        kernels, biases = sgd_step(kernels, biases, dw, db, learning_rate)
    return kernels, biases
