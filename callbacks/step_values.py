"""What describes single training steps: norms, errors, updates, idle units, histograms; many steps at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from backprop.compare import norms
from backprop.functions import Array
from backprop.network import Network
from callbacks.event_file import EventFile, histograms, scalar
from callbacks.gradient_check import CheckedSteps
from callbacks.record import GradientRecord, as_slice

LOWEST_LOG10 = -20.0
"""What stands for the logarithm of zero."""

INACTIVE_SLOPE = 0.01
"""A unit whose s'(z) is below this, in the mean over the batch, lets next to nothing of the gradient through."""


@dataclass(frozen=True)
class Scalars:
    """A number for each of some chosen steps.

    Attributes:
        tag: under which TensorBoard shows it.
        positions: int (m,), which of the chosen steps have it.
        numbers: (m,).
    """

    tag: str
    positions: Array
    numbers: Array


class Events:
    """What is to be written of some steps: for each of them one event.

    Args:
        num_steps: n.
    """

    def __init__(self, num_steps: int) -> None:
        self._values: list[list[Summary.Value]] = [[] for _ in range(num_steps)]

    def add(self, position: int, values: Iterable[Summary.Value]) -> None:
        """Add something to one step."""
        self._values[position].extend(values)

    def add_scalars(self, scalars: Iterable[Scalars]) -> None:
        """Add a point to each step that has a number."""
        for one in scalars:
            for position, number in zip(one.positions.tolist(), one.numbers.tolist(), strict=True):
                self._values[position].append(scalar(one.tag, number))

    def add_histograms(self, arrays: Mapping[str, Array], where: Array) -> None:
        """Add histograms to some steps.

        Args:
            arrays: (n, *shape) each, by tag.
            where: bool (n,), at which steps.
        """
        positions = np.flatnonzero(where)
        if len(positions) == 0:
            return
        chosen = as_slice(positions)
        for tag, array in arrays.items():
            for position, histogram in zip(positions, histograms(tag, array[chosen]), strict=True):
                if histogram is not None:
                    self._values[position].append(histogram)

    def write(self, file: EventFile, steps: Array) -> None:
        """Write all, in the order of the steps.

        Args:
            file: where to.
            steps: int (n,), where they stand on the horizontal axis.
        """
        for step, values in zip(steps.tolist(), self._values, strict=True):
            if values:
                file.write(step, values)


def short_name(i: int) -> str:
    """Of the i-th parameter: L1 W, L1 b, L2 W, ... TensorBoard cuts long tags in the middle."""
    return f"L{i // 2 + 1} {'Wb'[i % 2]}"


def train_scalars(network: Network, record: GradientRecord, steps: Array, z: Sequence[Array]) -> list[Scalars]:
    """What can be said without the gradient check.

    Args:
        network: of the record.
        record: of the steps.
        steps: int (n,), indices of the chosen steps in the record.
        z: weighted inputs of all layers, (n, B, units) each.

    Returns:
        The batch's cost; the norms of gradients and kernels; how far each kernel moves relative to its norm, as a
        logarithm to base 10; the share of each hidden layer's units that are inactive.
    """
    chosen, kernels = as_slice(steps), range(0, len(record.names), 2)
    gradient_norms = norms([gradient[chosen] for gradient in record.gradients])
    kernel_norms = norms([record.parameters[i][chosen] for i in kernels])
    moves = norms([record.parameter_after(i, chosen) - record.parameters[i][chosen] for i in kernels])
    values = {"1 learning/batch loss": record.costs[chosen]}
    values |= {f"3 gradients/{short_name(i)} norm": of_one for i, of_one in enumerate(gradient_norms)}
    for i, kernel_norm, move in zip(kernels, kernel_norms, moves, strict=True):
        values[f"4 weights/{short_name(i)} norm"] = kernel_norm
        values[f"4 weights/log10 upd ratio L{i // 2 + 1}"] = log10(move / kernel_norm)
    for l, z_l in enumerate(z[:-1]):  # the hidden layers
        slopes = network.activations[l].derivative(z_l).mean(axis=-2)  # (n, units)
        values[f"5 units/L{l + 1} inactive"] = (np.abs(slopes) < INACTIVE_SLOPE).mean(axis=-1)
    everywhere = np.arange(len(steps))
    return [Scalars(tag, everywhere, numbers) for tag, numbers in values.items()]


def train_histograms(record: GradientRecord, steps: Array, a: Sequence[Array]) -> dict[str, Array]:
    """What histograms are made of.

    Args:
        record: of the steps.
        steps: int (n,), indices of the chosen steps in the record.
        a: activations of all layers, (n, B, units) each, beginning with the inputs.

    Returns:
        By tag, (n, *shape) each: kernels, their gradients, and the activations of each layer but the input.
    """
    arrays, chosen = {}, as_slice(steps)
    for i in range(0, len(record.names), 2):
        arrays[f"weights/{short_name(i)}"] = record.parameters[i][chosen]
        arrays[f"gradients/{short_name(i)}"] = record.gradients[i][chosen]
    return arrays | {f"activations/L{l}": a_l for l, a_l in enumerate(a) if l > 0}


def check_scalars(record: GradientRecord, steps: Array) -> tuple[list[Scalars], list[Scalars]]:
    """What the gradient check has found about those of the chosen steps that it has checked.

    Args:
        record: of the steps.
        steps: int (n,), indices of the chosen steps in the record.

    Returns:
        `(errors, manual_norms)`: the logarithms of the errors, for the run `train`; the norms of the manual gradients,
        under the tags that the tape's have, for the run `numpy`.
    """
    checked = CheckedSteps.of(record)
    _, positions, columns = np.intersect1d(steps, checked.indices, assume_unique=True, return_indices=True)
    errors, manual_norms = [], []
    for i, (error, manual_norm) in enumerate(zip(checked.errors, checked.manual_norms, strict=True)):
        errors.append(Scalars(f"2 check/log10 err {short_name(i)}", positions, log10(error[columns])))
        manual_norms.append(Scalars(f"3 gradients/{short_name(i)} norm", positions, manual_norm[columns]))
    return errors, manual_norms


def log10(numbers: Array) -> Array:
    """The logarithm to base 10, and `LOWEST_LOG10` for that of zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum(np.log10(numbers), LOWEST_LOG10)
