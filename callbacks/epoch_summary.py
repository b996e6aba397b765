"""What TensorBoard shows of an epoch: pictures of the network and of its mistakes, and a report on its gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary

from backprop.functions import Array
from backprop.network import Network
from callbacks import pictures
from callbacks.event_file import picture
from callbacks.gradient_check import CheckedSteps
from callbacks.record import GradientRecord
from callbacks.run_description import table


def pictures_of_the_network(record: GradientRecord, image_shape: tuple[int, int] | None) -> list[Summary.Value]:
    """The first layer's kernel as it is after the record, the gradient of its last step, and both of all layers."""
    gradients = [gradient[-1] for gradient in record.gradients]
    drawn = {"network with its gradients": pictures.network(gradients[0::2], gradients[1::2], image_shape)}
    if image_shape:
        name = record.names[0]
        drawn[name] = pictures.kernel_tiles(record.final_parameters[0], image_shape)
        drawn[f"{name}, gradient"] = pictures.kernel_tiles(gradients[0], image_shape)
    return _values(drawn)


def pictures_of_mistakes(
    network: Network, x: Array, outputs: Array, y: Array, image_shape: tuple[int, int] | None
) -> list[Summary.Value]:
    """Which class was taken for which, and the samples that cost most.

    Args:
        network: of the outputs.
        x: (N, inputs).
        outputs: (N, classes), of the network's last layer.
        y: (N, classes), one-hot.
        image_shape: rows and columns of an input, where it is a picture.
    """
    true, predicted = y.argmax(axis=1), outputs.argmax(axis=1)  # (N,)
    counts = np.zeros((y.shape[1], y.shape[1]), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    drawn = {"confusion matrix": pictures.confusion_matrix(counts)}
    if image_shape:
        wrong = np.flatnonzero(true != predicted)
        images, costs = x[wrong].reshape(-1, *image_shape), network.cost.value(outputs[wrong], y[wrong])
        drawn["worst misclassified"] = pictures.misclassified(images, true[wrong], predicted[wrong], costs)
    return _values(drawn)


def _values(drawn: dict[str, Image.Image]) -> list[Summary.Value]:
    return [picture(tag, pictures.png(image), *image.size) for tag, image in drawn.items()]


@dataclass
class GradientReport:
    """The largest error of each gradient since the last report.

    Attributes:
        names: of the parameters.
        tolerance: the largest error that counts as agreement.
    """

    names: Sequence[str]
    tolerance: float

    def __post_init__(self) -> None:
        self._start_again()

    def _start_again(self) -> None:
        self._worst = np.full(len(self.names), -np.inf)
        self._at_steps = np.zeros(len(self.names), dtype=np.int64)
        self._num_steps = self._num_wrong = 0

    def add(self, record: GradientRecord) -> None:
        """Take in what the check found about a record."""
        checked = CheckedSteps.of(record)
        if len(checked.indices) == 0:
            return
        self._num_steps += len(checked.indices)
        self._num_wrong += int((~(checked.errors <= self.tolerance).all(axis=0)).sum())
        at = checked.errors.argmax(axis=1)  # (parameters,); the first NaN, where there is one
        errors = np.take_along_axis(checked.errors, at[:, np.newaxis], axis=1)[:, 0]
        larger = ~(errors <= self._worst)
        self._worst = np.where(larger, errors, self._worst)
        self._at_steps = np.where(larger, record.first_step + checked.indices[at], self._at_steps)

    def finish(self) -> str:
        """The report in markdown; the next one begins anew."""
        if self._num_steps == 0:
            return "No gradient of this epoch was checked."
        rows = [
            (
                name,
                f"{error:.1e}",
                f"{step:,}",
                f"{self.tolerance:.0e}",
                "pass" if error <= self.tolerance else "**FAIL**",
            )
            for name, error, step in zip(self.names, self._worst, self._at_steps, strict=True)
        ]
        wrong = f"**{self._num_wrong:,} of them wrong**" if self._num_wrong else "all agree"
        report = table(("gradient", "largest error", "at step", "tolerance", "verdict"), rows)
        text = f"{self._num_steps:,} steps checked, {wrong}.\n\n{report}"
        self._start_again()
        return text
