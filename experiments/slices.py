"""Slices through the cost surface: a plane in the space of all parameters, and the cost on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backprop.functions import Array
from backprop.network import Network, backward, batch_cost, forward

LARGEST_CHUNK = 2**26
"""Entries of weighted inputs and activations that are computed at once."""


@dataclass(frozen=True)
class Trajectory:
    """Where a training went.

    Attributes:
        batch_size: images for each step.
        every: steps between two kept points.
        steps: after how many the path ends.
        points: dtype (n, P): all kernels and biases in a row, in the order of the layers, the start first.
    """

    batch_size: int
    every: int
    steps: int
    points: Array


@dataclass(frozen=True)
class Plane:
    """A plane in the space of all parameters.

    Attributes:
        origin: dtype (P,).
        axes: dtype (2, P), of length 1 and at a right angle.
    """

    origin: Array
    axes: Array

    def coordinates(self, points: Array) -> Array:
        """Where points, (n, P), fall on the plane: (n, 2)."""
        return (points - self.origin) @ self.axes.T

    def points(self, coordinates: Array) -> Array:
        """The parameters at coordinates, (n, 2): (n, P)."""
        return self.origin + coordinates.astype(self.axes.dtype) @ self.axes

    def share_of_way(self, path: Trajectory) -> float:
        """How much of a path's way from the origin lies in the plane: of the squared distances, summed over its points.

        Example, of the squares 9, 16 and 144 the last lies outside:
            >>> plane = Plane(np.zeros(3), np.eye(3)[:2])
            >>> round(plane.share_of_way(Trajectory(1, 1, 1, np.array([[0.0, 0, 0], [3, 4, 12]]))), 4)  # 25 / 169
            0.1479
        """
        return _share(path.points - self.origin, self.axes)

    def share_of_steps(self, path: Trajectory) -> float:
        """The same of its steps: of their squared lengths."""
        return _share(np.diff(path.points, axis=0), self.axes)


def _share(vectors: Array, axes: Array) -> float:
    total = float(np.square(vectors, dtype=np.float64).sum())
    return float(np.square(vectors @ axes.T, dtype=np.float64).sum()) / total if total else 1.0


def plane_of_bounce(smooth: Trajectory, bouncing: Trajectory) -> Plane:
    """The plane from the start to the smooth path's end, and in which the other one bounces most.

    The second axis is the one, at a right angle to the first, along which the steps of the two differ most.
    """
    number = min(len(smooth.points), len(bouncing.points))
    differences = np.diff(bouncing.points[:number], axis=0) - np.diff(smooth.points[:number], axis=0)
    return _plane(smooth.points[0], smooth.points[-1] - smooth.points[0], differences)


def plane_of_way(path: Trajectory) -> Plane:
    """The plane from a path's start to its end, and in which it leaves the straight line most."""
    way = path.points - path.points[0]
    return _plane(path.points[0], way[-1], way)


def _plane(origin: Array, first: Array, others: Array) -> Plane:
    """The plane of a first direction, and of the one at a right angle to it that most of the others lie in.

    In float64, and made orthogonal once more at the end: where the others hardly leave the first direction, what is
    left of them is little more than rounding, and need not be at a right angle.
    """
    first = _unit(first.astype(np.float64))
    second = _main_direction(_without(others.astype(np.float64), first))
    second = _unit(_without(second[np.newaxis], first)[0])
    return Plane(origin, np.stack([first, second]).astype(origin.dtype))


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


def _without(vectors: Array, direction: Array) -> Array:
    """What of the vectors, (n, P), is at a right angle to a direction of length 1."""
    return vectors - np.outer(vectors @ direction, direction)


def _main_direction(vectors: Array) -> Array:
    """The direction of length 1 with the largest sum of squares: the first right singular vector."""
    return np.linalg.svd(vectors, full_matrices=False)[2][0]


@dataclass(frozen=True)
class Surface:
    """The cost on a plane.

    Attributes:
        plane: which.
        u: float64 (m,), coordinates along the first axis.
        v: float64 (n,), along the second.
        costs: float64 (n, m).
        num_examples: images that the cost is the mean over.
    """

    plane: Plane
    u: Array
    v: Array
    costs: Array
    num_examples: int


@dataclass(frozen=True)
class Slice:
    """A slice with the paths over it.

    Attributes:
        title: for people.
        surface: the cost on the plane.
        paths: gradient descent first.
        costs: of the training set at the end of each path, on the path itself and not in the plane.
    """

    title: str
    surface: Surface
    paths: tuple[Trajectory, ...]
    costs: tuple[float, ...]


def unflatten(points: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Rows of all parameters, (n, P), as arrays (n, *shape)."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [
        part.reshape(len(points), *shape)
        for part, shape in zip(np.split(points, ends[:-1], axis=1), shapes, strict=True)
    ]


def costs_at(network: Network, points: Array, shapes: Sequence[tuple[int, ...]], x: Array, y: Array) -> Array:
    """The cost of many networks, some at a time, so that memory is bounded.

    Args:
        network: activations and cost.
        points: dtype (n, P).
        shapes: of kernel and bias of each layer in turn.
        x: (N, inputs).
        y: (N, outputs).

    Returns:
        float64 (n,).
    """
    units = 2 * sum(shape[0] for shape in shapes[1::2])
    at_once = max(1, LARGEST_CHUNK // (units * len(x)))
    costs = []
    for first in range(0, len(points), at_once):
        parameters = unflatten(points[first : first + at_once], shapes)
        _, a = forward(network, parameters[0::2], parameters[1::2], x)
        costs.append(batch_cost(network, a[-1], y).astype(np.float64))
    return np.concatenate(costs)


def surface(
    network: Network,
    plane: Plane,
    u: Array,
    v: Array,
    shapes: Sequence[tuple[int, ...]],
    x: Array,
    y: Array,
) -> Surface:
    """The cost at each pair of coordinates. Arguments as for `costs_at`.

    Args:
        u, v: float64 (m,) and (n,), coordinates on the plane.
    """
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)  # (n * m, 2)
    costs = costs_at(network, plane.points(grid), shapes, x, y)
    return Surface(plane, u, v, costs.reshape(len(v), len(u)), len(x))


def window(coordinates: Array, aspect: float, size: int, margin: float = 0.12) -> tuple[Array, Array]:
    """A grid around points, equally wide in both directions.

    Args:
        coordinates: (n, 2), all of which shall be inside.
        aspect: width of the window to its height.
        size: grid points along its width.
        margin: on each side, as a share of the width.

    Returns:
        `(u, v)`, float64.
    """
    least, most = coordinates.min(axis=0).astype(np.float64), coordinates.max(axis=0).astype(np.float64)
    middle, (width, height) = (least + most) / 2, most - least
    half = max(width, height * aspect, 1e-6) * (0.5 + margin)
    u = np.linspace(middle[0] - half, middle[0] + half, size)
    v = np.linspace(middle[1] - half / aspect, middle[1] + half / aspect, max(2, round(size / aspect)))
    return u, v


def cosines(
    network: Network, point: Array, shapes: Sequence[tuple[int, ...]], x: Array, y: Array, batches: Sequence[Array]
) -> Array:
    """The cosine of the angle between each batch's gradient and that of all images: 1 is the perfect direction.

    Args:
        network: activations and cost.
        point: dtype (P,), where the gradients are taken.
        shapes: of kernel and bias of each layer in turn.
        x: (N, inputs).
        y: (N, outputs).
        batches: row numbers of each.

    Returns:
        float64 (number of batches,); NaN where one of the two is zero, or not finite.
    """
    parameters = [part[0] for part in unflatten(point[np.newaxis], shapes)]
    full = _gradient(network, parameters, x, y)
    gradients = (_gradient(network, parameters, x[batch], y[batch]) for batch in batches)
    with np.errstate(all="ignore"):
        return np.array([full @ g / (np.linalg.norm(full) * np.linalg.norm(g)) for g in gradients])


def _gradient(network: Network, parameters: Sequence[Array], x: Array, y: Array) -> Array:
    """In a row, float64 (P,)."""
    W, b = parameters[0::2], parameters[1::2]
    z, a = forward(network, W, b, x)
    with np.errstate(all="ignore"):
        dW, db = backward(network, W, b, z, a, y)
    return np.concatenate([g.ravel() for pair in zip(dW, db, strict=True) for g in pair]).astype(np.float64)


def random_batches(num_examples: int, batch_size: int, number: int, seed: int) -> Iterator[Array]:
    """Row numbers, each batch drawn from all images; without repeats within a batch."""
    rng = np.random.default_rng([seed, batch_size])
    for _ in range(number):
        yield rng.choice(num_examples, size=batch_size, replace=False, shuffle=False)
