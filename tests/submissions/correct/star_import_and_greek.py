"""`from numpy import *`, and Greek letters for names."""

# assignment: backprop
from numpy import *


def sigmoid(z):
    return 1 / (1 + exp(-clip(z, -500, 500)))


σ = sigmoid


def sigmoid_prime(z):
    return σ(z) * (1 - σ(z))


σʹ = sigmoid_prime


def forward(W, β, x):
    zs, α = [], [x]
    for w, b in zip(W, β):
        zs.append(α[-1] @ w + b)
        α.append(σ(zs[-1]))
    return zs, α


def cost(a, y):
    return sum((a - y) ** 2) / shape(y)[0]


def backward(W, β, zs, α, y):
    m = shape(y)[0]
    ΔW, Δβ = [], []
    δ = 2 * (α[-1] - y) * σʹ(zs[-1])
    for l in range(len(W) - 1, -1, -1):
        ΔW.append(dot(α[l].T, δ) / m)
        Δβ.append(sum(δ, axis=0) / m)
        δ = dot(δ, W[l].T)
        if l > 0:
            δ = δ * σʹ(zs[l - 1])
    return ΔW[::-1], Δβ[::-1]


def sgd_step(W, β, ΔW, Δβ, η):
    return [w - η * Δw for w, Δw in zip(W, ΔW)], [b - η * Δb for b, Δb in zip(β, Δβ)]


def train(W, β, x, y, batches, η):
    for rows in batches:
        zs, α = forward(W, β, x[rows])
        W, β = sgd_step(W, β, *backward(W, β, zs, α, y[rows]), η)
    return W, β
