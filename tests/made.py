"""Things that several tests need: random networks with a batch, and small made images in MNIST's format."""

import itertools
from dataclasses import dataclass

import numpy as np

from backprop.network import Network, backward, forward


@dataclass(frozen=True)
class Problem:
    """A network, its parameters and a batch."""

    network: Network
    W: list
    b: list
    x: np.ndarray
    y: np.ndarray

    def manual_gradients(self):
        """`(dW, db)` by the manual module."""
        z, a = forward(self.network, self.W, self.b, self.x)
        return backward(self.network, self.W, self.b, z, a, self.y)

    def astype(self, dtype):
        """The same numbers in another format."""
        return Problem(
            self.network,
            [w.astype(dtype) for w in self.W],
            [b.astype(dtype) for b in self.b],
            self.x.astype(dtype),
            self.y.astype(dtype),
        )


def random_problem(
    sizes=(7, 5, 4, 3),
    batch_size=11,
    activation="sigmoid",
    cost="squared-error",
    seed=0,
    output_activation=None,
    scale=1.0,
    lead=(),
):
    """Kernels and biases from N(0, scale), signed inputs, targets in (0, 1); for cross-entropy their rows sum to 1."""
    rng = np.random.default_rng(seed)
    output_activation = output_activation or ("linear" if cost == "cross-entropy" else activation)
    activations = [activation] * (len(sizes) - 2) + [output_activation]
    y = rng.uniform(0.05, 0.95, size=(*lead, batch_size, sizes[-1]))
    if cost == "cross-entropy":
        y /= y.sum(axis=-1, keepdims=True)
    return Problem(
        Network.from_names(activations, cost),
        [scale * rng.normal(size=(*lead, n, m)) for n, m in itertools.pairwise(sizes)],
        [scale * rng.normal(size=(*lead, m)) for m in sizes[1:]],
        rng.normal(size=(*lead, batch_size, sizes[0])),
        y,
    )


def made_images(num_train=320, num_test=60, seed=0):
    """Arrays in Keras's layout: digit d is a bright bar at rows 2d + 4 and 2d + 5, on noise. Easy to learn.

    Returns:
        dict of `x_train`, `y_train`, `x_test`, `y_test`, uint8.
    """
    rng = np.random.default_rng(seed)

    def draw(number):
        labels = rng.integers(0, 10, size=number, dtype=np.uint8)
        images = rng.integers(0, 60, size=(number, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 6] += 180
        return images, labels

    x_train, y_train = draw(num_train)
    x_test, y_test = draw(num_test)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
