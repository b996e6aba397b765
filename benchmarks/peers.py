"""The programs that `benchmarks.training` compares: each trains the same network, from the same weights, on the same
batches, and waits before each epoch until it is its turn.

A peer is a function of a `Problem` and a `Turns`; it runs in a process of its own, and imports its library there.
"""

import ctypes
import importlib.util
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from datasets import mnist


@dataclass(frozen=True)
class Problem:
    """What is trained.

    Attributes:
        hidden: units of the hidden layers; all layers are sigmoid, the cost is the lecture's.
        batch_size: a divisor of the number of images.
        num_images: of MNIST's training set, the first ones.
        epochs: to be timed; one more comes before them, with all that is compiled.
        steps_per_execution: of our loop; fewer where the record would be too large.
        learning_rate: for the lecture's cost.
    """

    hidden: tuple[int, ...] = (16, 16)
    batch_size: int = 32
    num_images: int = 60_000
    epochs: int = 5
    steps_per_execution: int = 125
    learning_rate: float = 1.0

    def data(self, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
        """Images and one-hot labels."""
        stored = mnist.load(say=lambda _: None)
        x, y = mnist.inputs(stored.x_train[: self.num_images], dtype), mnist.targets(stored.y_train, dtype)
        return x, y[: self.num_images]

    def weights(self, dtype: str = "float32") -> list[np.ndarray]:
        """The first weights, Glorot normal: kernel, bias, kernel, bias, ..."""
        rng = np.random.default_rng(0)
        sizes = (mnist.IMAGE_SIZE, *self.hidden, mnist.NUM_CLASSES)
        return [
            array.astype(dtype)
            for n, m in itertools.pairwise(sizes)
            for array in (rng.normal(size=(n, m)) * np.sqrt(2 / (n + m)), np.zeros(m))
        ]

    def order(self, epoch: int) -> np.ndarray:
        """int32 (num_images,): the order of the images in this epoch; that of `train.epoch_order` for seed 0."""
        return np.random.default_rng([0, epoch]).permutation(self.num_images).astype(np.int32)


class Turns:
    """A peer's side of the agreement: `begin` waits for the turn and starts the clock, `end` stops it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._began = 0.0

    def begin(self) -> None:
        """Wait until it is this peer's turn."""
        self._connection.send("ready")
        self._connection.recv()
        self._began = time.perf_counter()

    def end(self) -> None:
        """Tell how long it took."""
        self._connection.send(time.perf_counter() - self._began)


Weights = list[np.ndarray]
Peer = Callable[[Problem, Turns], Weights]


def run_peer(name: str, problem: Problem, connection: Connection) -> None:
    """The process of a peer: all its epochs, then its weights and its peak of memory in MB; or what went wrong."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow's and JAX's notices about processors
    try:
        weights = PEERS[name].function(problem, Turns(connection))
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
        return
    unit = 2**20 if sys.platform == "darwin" else 2**10
    connection.send((weights, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit))


# --- ours -------------------------------------------------------------------------------------------------------


def _ours(problem: Problem, turns: Turns, verify: bool, dtype: str = "float32") -> Weights:
    import train
    from callbacks.finite_cost import FiniteCost
    from callbacks.gradient_check import GradientCheck
    from callbacks.in_background import InBackground
    from config import Config

    if verify:
        train.leave_one_processor()
    config = Config(
        hidden=problem.hidden,
        dtype=dtype,
        learning_rate=problem.learning_rate,
        steps_per_execution=problem.steps_per_execution,
    )
    x, y = problem.data(dtype)
    data = train.Dataset(x, y, x[:32], y[:32])
    model = train.build_model(config, num_steps=1)
    model.set_weights(problem.weights(dtype))
    check = GradientCheck(train.manual_network(config), x, y)
    background = InBackground([FiniteCost(), check])

    class Clock(train.keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
            turns.begin()

        def on_test_begin(self, logs: dict | None = None) -> None:  # noqa: ARG002
            background.wait()  # the last verdict belongs to the epoch
            turns.end()

    train.fit(
        model,
        data,
        batch_size=problem.batch_size,
        epochs=problem.epochs + 1,
        steps_per_execution=config.steps_in_one_call,
        callbacks=[background, Clock()] if verify else [Clock()],
    )
    if verify and check.steps_checked != (problem.epochs + 1) * problem.num_images // problem.batch_size:
        raise RuntimeError(f"{check.steps_checked} steps were verified")
    return model.get_weights()


# --- the others -------------------------------------------------------------------------------------------------


def _keras(problem: Problem, turns: Turns, **compile_options: Any) -> Weights:
    """`model.fit` on arrays in the epoch's order: spared the shuffling that it does by default."""
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
    import keras

    layers = [keras.layers.Dense(units, activation="sigmoid") for units in (*problem.hidden, mnist.NUM_CLASSES)]
    model = keras.Sequential([keras.Input((mnist.IMAGE_SIZE,)), *layers])
    # mse averages over the ten outputs: a tenth of the lecture's cost, so ten times its learning rate
    model.compile(
        optimizer=keras.optimizers.SGD(10 * problem.learning_rate), loss="mse", metrics=["accuracy"], **compile_options
    )
    model.set_weights(problem.weights())
    x, y = problem.data()
    for epoch in range(problem.epochs + 1):
        order = problem.order(epoch)
        x_ordered, y_ordered = x[order], y[order]
        turns.begin()
        model.fit(x_ordered, y_ordered, batch_size=problem.batch_size, shuffle=False, verbose=0)
        turns.end()
    return model.get_weights()


def _jax(problem: Problem, turns: Turns) -> Weights:
    import jax

    x, y = map(jax.numpy.asarray, problem.data())

    def cost(weights: list, x: Any, y: Any) -> Any:
        a = x
        for W, b in zip(weights[0::2], weights[1::2], strict=True):
            a = jax.nn.sigmoid(a @ W + b)
        return ((a - y) ** 2).sum(axis=-1).mean()

    def step(weights: list, batch: Any) -> tuple[list, Any]:
        value, gradients = jax.value_and_grad(cost)(weights, x[batch], y[batch])
        return [w - problem.learning_rate * g for w, g in zip(weights, gradients, strict=True)], value

    epoch_of_steps = jax.jit(lambda weights, batches: jax.lax.scan(step, weights, batches))
    weights = [jax.numpy.asarray(w) for w in problem.weights()]
    for epoch in range(problem.epochs + 1):
        batches = problem.order(epoch).reshape(-1, problem.batch_size)
        turns.begin()
        weights, costs = epoch_of_steps(weights, batches)
        costs.block_until_ready()
        turns.end()
    return [np.asarray(w) for w in weights]


def _torch(problem: Problem, turns: Turns) -> Weights:
    import torch

    x, y = map(torch.from_numpy, problem.data())
    sizes = (mnist.IMAGE_SIZE, *problem.hidden, mnist.NUM_CLASSES)
    layers = [layer for n, m in itertools.pairwise(sizes) for layer in (torch.nn.Linear(n, m), torch.nn.Sigmoid())]
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for parameter, w in zip(model.parameters(), problem.weights(), strict=True):
            parameter.copy_(torch.from_numpy(w.T if w.ndim == 2 else w))
    optimizer = torch.optim.SGD(model.parameters(), lr=problem.learning_rate)
    for epoch in range(problem.epochs + 1):
        batches = torch.from_numpy(problem.order(epoch).reshape(-1, problem.batch_size))
        turns.begin()
        for batch in batches:
            optimizer.zero_grad()
            ((model(x[batch]) - y[batch]) ** 2).sum(dim=-1).mean().backward()
            optimizer.step()
        turns.end()
    arrays = [parameter.detach().numpy() for parameter in model.parameters()]
    return [array.T if array.ndim == 2 else array for array in arrays]


def _numpy(problem: Problem, turns: Turns) -> Weights:
    from backprop import Network, backward, forward, sgd_step

    network = Network.from_names(["sigmoid"] * (len(problem.hidden) + 1), "squared-error")
    x, y = problem.data()
    weights = problem.weights()
    W, b = weights[0::2], weights[1::2]
    for epoch in range(problem.epochs + 1):
        batches = problem.order(epoch).reshape(-1, problem.batch_size)
        turns.begin()
        for batch in batches:
            z, a = forward(network, W, b, x[batch])
            dW, db = backward(network, W, b, z, a, y[batch])
            W, b = sgd_step(W, b, dW, db, problem.learning_rate)
        turns.end()
    return [array for pair in zip(W, b, strict=True) for array in pair]


def _c(problem: Problem, turns: Turns) -> Weights:
    if problem.hidden != (16, 16) or problem.batch_size not in (8, 16, 32, 64):
        raise ValueError("epoch.c is written for 784-16-16-10 and batches of 8 to 64")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "epoch.so"
        source = Path(__file__).with_name("epoch.c")
        options = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["cc", *options, "-o", library, source, "-lm"], check=True)
        function = ctypes.CDLL(str(library)).epoch
    x, y = problem.data()
    weights = problem.weights()

    def address(array: np.ndarray) -> ctypes.c_void_p:
        return array.ctypes.data_as(ctypes.c_void_p)

    for epoch in range(problem.epochs + 1):
        order = problem.order(epoch)
        turns.begin()
        function(
            *map(address, (x, y, order)),
            len(x),
            problem.batch_size,
            ctypes.c_float(problem.learning_rate),
            *map(address, weights),
        )
        turns.end()
    return weights


def _nothing(problem: Problem, turns: Turns) -> Weights:
    """Imports TensorFlow and holds MNIST: what memory is compared with."""
    import models.tensorflow_backend  # noqa: F401

    x, y = problem.data()
    for _ in range(problem.epochs + 1):
        turns.begin()
        turns.end()
    return [x[:1], y[:1]]


@dataclass(frozen=True)
class Entry:
    """A peer and what it needs."""

    function: Peer
    needs: str = ""

    @property
    def missing(self) -> bool:
        """Whether what it needs is not installed."""
        found = shutil.which("cc") if self.needs == "cc" else importlib.util.find_spec(self.needs or "numpy")
        return found is None


PEERS = {
    "our loop": Entry(lambda problem, turns: _ours(problem, turns, verify=False)),
    "our loop, verified": Entry(lambda problem, turns: _ours(problem, turns, verify=True)),
    "our loop, verified, float64": Entry(lambda problem, turns: _ours(problem, turns, verify=True, dtype="float64")),
    "model.fit": Entry(_keras),
    "model.fit, steps_per_execution=100": Entry(lambda problem, turns: _keras(problem, turns, steps_per_execution=100)),
    "JAX, scan over a jitted step": Entry(_jax, "jax"),
    "PyTorch, eager": Entry(_torch, "torch"),
    "NumPy, the manual module": Entry(_numpy),
    "C, one core": Entry(_c, "cc"),
    "importing TensorFlow, holding MNIST": Entry(_nothing),
}
