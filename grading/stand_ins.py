# Right functions, to stand in for a student's wrong ones while another of their functions is tried. This file is never
# imported: its text is sent into the submission's process, with a line of settings before it, and only those functions
# that a function of that kind may lean on. Nothing else of the reference ever goes there.
#
# Settings: ACTIVATION, OUTPUT, COST; TRANSPOSED, COLUMNS, COLUMN_BIASES, the layout; WANTED, which functions:
# {"backward": ("backward", its arguments, its returns)}.

import numpy as np

FUNCTIONS = {
    "sigmoid": lambda z: np.where(z >= 0, 1.0, np.exp(np.minimum(z, 0))) / (1 + np.exp(-np.abs(z))),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "linear": lambda z: z + 0.0,
    "softmax": lambda z: _softmax(z),
}
SLOPES = {
    "sigmoid": lambda z: FUNCTIONS["sigmoid"](z) * FUNCTIONS["sigmoid"](-z),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (np.asarray(z) > 0) * 1.0,
    "linear": lambda z: np.ones(np.shape(z)),
}


def _softmax(z):
    axis = 0 if COLUMNS else -1
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _rows(array):
    return np.asarray(array).T if COLUMNS else np.asarray(array)


def _kernel(array):
    return np.asarray(array).T if TRANSPOSED else np.asarray(array)


def _bias(array):
    return np.reshape(array, -1)


def _as_bias(array):
    return array[:, None] if COLUMN_BIASES else array


def _activation(z):
    return {"values": FUNCTIONS[ACTIVATION](np.asarray(z, dtype=float))}


def _slope(z):
    return {"values": SLOPES[ACTIVATION](np.asarray(z, dtype=float))}


def _output_activation(z):
    return {"values": _softmax(np.asarray(z, dtype=float))}


def _forward(kernels, biases, x):
    zs, activations = [], [x]
    for l, (kernel, bias) in enumerate(zip(kernels, biases)):
        z = _rows(_rows(activations[-1]) @ _kernel(kernel) + _bias(bias))
        zs.append(z)
        activations.append(FUNCTIONS[OUTPUT if l == len(kernels) - 1 else ACTIVATION](z))
    return {"zs": zs, "activations": activations, "output": activations[-1]}


def _cost(a, y):
    a, y = _rows(a), _rows(y)
    if COST == "cross-entropy":
        return {"cost": -(y * np.log(np.where(y > 0, a, 1.0))).sum(axis=1).mean()}
    return {"cost": ((a - y) ** 2).sum(axis=1).mean() * (0.5 if COST == "half-squared-error" else 1.0)}


def _backward(kernels, biases, zs, activations, y):
    a, z, y = [_rows(array) for array in activations], [_rows(array) for array in zs], _rows(y)
    delta = a[-1] - y
    if COST != "cross-entropy":
        delta = delta * SLOPES[OUTPUT](z[-1]) * (1 if COST == "half-squared-error" else 2)
    kernel_gradients, bias_gradients = [], []
    for l in reversed(range(len(kernels))):
        kernel_gradients.insert(0, _kernel(a[l].T @ delta / len(y)))
        bias_gradients.insert(0, _as_bias(delta.mean(axis=0)))
        if l:
            delta = delta @ _kernel(kernels[l]).T * SLOPES[ACTIVATION](z[l - 1])
    return {"kernel_gradients": kernel_gradients, "bias_gradients": bias_gradients}


def _sgd_step(kernels, biases, kernel_gradients, bias_gradients, learning_rate):
    return {
        "kernels": [W - learning_rate * np.asarray(dW) for W, dW in zip(kernels, kernel_gradients)],
        "biases": [b - learning_rate * np.asarray(db) for b, db in zip(biases, bias_gradients)],
    }


COMPUTE = {
    "activation": _activation,
    "activation slope": _slope,
    "output activation": _output_activation,
    "forward": _forward,
    "cost": _cost,
    "backward": _backward,
    "sgd step": _sgd_step,
}


def _stand_in(compute, arguments, returns):
    """The function with the assignment's arguments, by place or by name, and what it returns."""

    def function(*values, **named):
        given = dict(zip(arguments, values)) | named
        result = COMPUTE[compute](**given)
        return result[returns[0]] if len(returns) == 1 else tuple(result[name] for name in returns)

    return function


globals().update(
    {name: _stand_in(compute, arguments, returns) for name, (compute, arguments, returns) in WANTED.items()}
)
