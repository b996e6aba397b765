"""What a training run writes for the tab, and how it is read back: one event for each kept step.

Each array is a tensor summary of its own, so that TensorBoard, and anyone who reads event files, finds it by its name:

| tag                      | at each kept step, L layers, layer l with n_l inputs and n_l+1 units                      |
| `about`                  | once: `About` as JSON                                                                     |
| `errors`                 | float64 (2L,), ||tape - manual|| / ||manual|| as the check judged it: kernel, bias, ...   |
| `gradients/NAME kernel`  | (2, n_l, n_l+1), the tape's and the manual module's                                       |
| `gradients/NAME bias`    | (2, n_l+1)                                                                                |
| `dC_da/NAME`             | (B, n_l+1), and all that follows: the chain rule's factors, as the manual module has them |
| `da_dz/NAME`             | (B, n_l+1)                                                                                |
| `delta/NAME`             | (B, n_l+1)                                                                                |
| `dz_dW/NAME`             | (B, n_l); of the first layer, the network's inputs                                        |
| `dz_db/NAME`             | (B, 1)                                                                                    |
| `dz_da/NAME`             | (n_l, n_l+1); none for the first layer                                                    |
| `outputs`, `targets`     | (B, n_L)                                                                                  |

NAME is the layer's, such as hidden_1.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.util.tensor_util import make_tensor_proto

Array: TypeAlias = npt.NDArray[Any]

PLUGIN_NAME = "backprop_check"
"""By which TensorBoard knows whose data a summary is."""

FACTORS = ("dC_da", "da_dz", "delta", "dz_dW", "dz_db", "dz_da")
"""Of each layer; `dz_da` not of the first."""


class FormatError(ValueError):
    """What was read is not what a run writes. The message says what was found and expected."""


@dataclass(frozen=True)
class About:
    """What is the same at all steps of a run.

    Attributes:
        layers: their names, from the input's side.
        activations: such as "sigmoid", one for each layer.
        cost: such as "squared-error".
        tolerance: the largest error that counts as agreement.
        num_steps_per_epoch: how many steps an epoch has.
        image_shape: rows and columns where an input is a picture, row by row; None where it is not.
    """

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    cost: str
    tolerance: float
    num_steps_per_epoch: int
    image_shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class KeptStep:
    """One training step, with all that explains its gradients; shapes and dtypes as in the table above.

    Attributes:
        errors: one for each kernel and bias in turn.
        kernels: (2, n_l, n_l+1) for each layer: the tape's gradient, then the manual module's.
        biases: (2, n_l+1) for each layer.
        factors: by the names in `FACTORS`, one array for each layer; None for the first layer's `dz_da`.
        outputs: of the network, (B, n_L).
        targets: (B, n_L).
    """

    errors: Array
    kernels: tuple[Array, ...]
    biases: tuple[Array, ...]
    factors: Mapping[str, tuple[Array | None, ...]]
    outputs: Array
    targets: Array


# --- writing ----------------------------------------------------------------------------------------------------


def about_summary(about: About) -> Summary:
    """What goes into the event of a run's first kept step, or any before it."""
    text = json.dumps(dataclasses.asdict(about)).encode()
    return Summary(value=[_value("about", TensorProto(dtype=DT_STRING, string_val=[text], tensor_shape={}))])


def step_summary(about: About, step: KeptStep) -> Summary:
    """What goes into the event of a kept step."""
    arrays = {"errors": np.asarray(step.errors, np.float64), "outputs": step.outputs, "targets": step.targets}
    for l, name in enumerate(about.layers):
        arrays[f"gradients/{name} kernel"] = step.kernels[l]
        arrays[f"gradients/{name} bias"] = step.biases[l]
        for factor in FACTORS:
            if (array := step.factors[factor][l]) is not None:
                arrays[f"{factor}/{name}"] = array
    return Summary(value=[_value(tag, make_tensor_proto(array)) for tag, array in arrays.items()])


def _value(tag: str, tensor: TensorProto) -> Summary.Value:
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME)
    return Summary.Value(
        tag=tag, tensor=tensor, metadata=SummaryMetadata(plugin_data=plugin, data_class=DATA_CLASS_TENSOR)
    )


# --- reading ----------------------------------------------------------------------------------------------------


def read_about(tensor: Array) -> About:
    """From the tensor of the tag `about`.

    Raises:
        FormatError: where it is something else.
    """
    try:
        found = json.loads(tensor.item())
        about = About(
            layers=tuple(map(str, found["layers"])),
            activations=tuple(map(str, found["activations"])),
            cost=str(found["cost"]),
            tolerance=float(found["tolerance"]),
            num_steps_per_epoch=int(found["num_steps_per_epoch"]),
            image_shape=_image_shape(found["image_shape"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise FormatError(f"the description of the run cannot be read: {error!r}") from error
    if not about.layers or len(about.activations) != len(about.layers) or len(set(about.layers)) != len(about.layers):
        raise FormatError(
            f"the run names the layers {about.layers} and the activations {about.activations}; expected one activation "
            "for each of one or more layers"
        )
    if about.num_steps_per_epoch < 1 or min(about.image_shape or (1, 1)) < 1:
        raise FormatError(
            f"the run has {about.num_steps_per_epoch} steps in an epoch and the image shape {about.image_shape}; "
            "expected 1 or more"
        )
    return about


def step_tags(about: About) -> list[str]:
    """The tags of a kept step."""
    tags = ["errors", "outputs", "targets"]
    for l, name in enumerate(about.layers):
        tags += [f"gradients/{name} kernel", f"gradients/{name} bias"]
        tags += [f"{factor}/{name}" for factor in FACTORS if factor != "dz_da" or l > 0]
    return tags


def read_step(about: About, tensor: Callable[[str], Array]) -> KeptStep:
    """Put a kept step together, and see that its parts fit.

    Args:
        about: of the run.
        tensor: gives the array of a tag at that step; raises a FormatError where there is none.

    Raises:
        FormatError: where something is missing, or has another shape than the others demand.
    """
    kernels = tuple(tensor(f"gradients/{name} kernel") for name in about.layers)
    biases = tuple(tensor(f"gradients/{name} bias") for name in about.layers)
    factors = {
        factor: tuple(
            None if factor == "dz_da" and l == 0 else tensor(f"{factor}/{name}") for l, name in enumerate(about.layers)
        )
        for factor in FACTORS
    }
    step = KeptStep(tensor("errors"), kernels, biases, factors, tensor("outputs"), tensor("targets"))
    _refuse_other_shapes(about, step)
    return step


def _image_shape(found: Any) -> tuple[int, int] | None:
    if found is None:
        return None
    rows, columns = map(int, found)
    return rows, columns


def _refuse_other_shapes(about: About, step: KeptStep) -> None:
    """Raise a FormatError that names all that does not fit."""
    problems: list[str] = []

    def expect(tag: str, array: Array, *shape: int) -> None:
        if array.shape != shape or array.dtype.kind != "f":
            problems.append(f"{tag} is {array.dtype} {array.shape}; expected floating-point numbers {shape}")

    num_samples = step.targets.shape[0] if step.targets.ndim == 2 else 0
    inputs = step.kernels[0].shape[1] if step.kernels[0].ndim == 3 else 0
    expect("errors", step.errors, 2 * len(about.layers))
    for l, name in enumerate(about.layers):
        units = step.kernels[l].shape[-1] if step.kernels[l].ndim > 0 else 0
        expect(f"gradients/{name} kernel", step.kernels[l], 2, inputs, units)
        expect(f"gradients/{name} bias", step.biases[l], 2, units)
        shapes = {"dz_dW": (num_samples, inputs), "dz_db": (num_samples, 1), "dz_da": (inputs, units)}
        for factor in FACTORS:
            if (array := step.factors[factor][l]) is not None:
                expect(f"{factor}/{name}", array, *shapes.get(factor, (num_samples, units)))
        inputs = units
    expect("outputs", step.outputs, num_samples, inputs)
    expect("targets", step.targets, num_samples, inputs)
    if not problems and min(num_samples, *(n for kernel in step.kernels for n in kernel.shape)) == 0:
        problems.append("the step has no sample, or a layer without inputs or units; expected at least one of each")
    if not problems and about.image_shape and math.prod(about.image_shape) != step.kernels[0].shape[1]:
        problems.append(f"images are {about.image_shape}, and the network has {step.kernels[0].shape[1]} inputs")
    if problems:
        raise FormatError("\n".join(problems))
