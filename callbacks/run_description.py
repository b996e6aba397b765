"""What TensorBoard is told of a run once: its configuration, its graph of operations, how charts are laid out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar.summary import pb as layout_pb
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.hparams.summary_v2 import HParam, Metric, hparams_config_pb, hparams_pb

from callbacks.event_file import EventFile

METRICS = (
    Metric("1 learning/accuracy", group="validation", display_name="accuracy, validation"),
    Metric("1 learning/loss", group="validation", display_name="loss, validation"),
    Metric("1 learning/accuracy", group="train", display_name="accuracy, training"),
    Metric("1 learning/loss", group="train", display_name="loss, training"),
)
"""The columns of the HParams tab, as the last value of a curve in a subfolder of the run."""

CHARTS = {
    "Learning": {"loss": ["1 learning/loss"], "accuracy": ["1 learning/accuracy"]},
    "Do tape and manual module agree? (log10 of the error)": {
        "kernels": [r"2 check/log10 err L\d+ W"],
        "biases": [r"2 check/log10 err L\d+ b"],
    },
    "Norms of the gradients: where a line splits, the manual module is wrong": {
        "kernels": [r"3 gradients/L\d+ W norm"],
        "biases": [r"3 gradients/L\d+ b norm"],
    },
    "How far the kernels move": {
        "norms": [r"4 weights/L\d+ W norm"],
        "log10 of update / norm": [r"4 weights/log10 upd ratio L\d+"],
        "inactive units": [r"5 units/L\d+ inactive"],
    },
}
"""The Custom Scalars tab: categories, their charts, and which tags are drawn into each, as regular expressions."""

LAYOUT_NAME = "layout-1"
"""Ends the name of the file that holds the layout; another layout needs another number."""


def write_layout_once(logs: Path) -> None:
    """Lay the Custom Scalars tab out, at the root of the log folder, where it counts for all runs."""
    if any(logs.glob(f"events.out.tfevents.*.{LAYOUT_NAME}")):
        return
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title,
                chart=[
                    layout_pb2.Chart(
                        title=name, multiline=layout_pb2.MultilineChartContent(tag=[f"^{tag}$" for tag in tags])
                    )
                    for name, tags in charts.items()
                ],
            )
            for title, charts in CHARTS.items()
        ]
    )
    events = EventFile(logs, LAYOUT_NAME)
    events.write(0, _values(layout_pb(layout)))
    events.close()


def hparams_start(
    run_name: str, hyperparameters: Mapping[str, Any], metrics: Sequence[Metric] = METRICS
) -> list[Summary.Value]:
    """A run begins: for the HParams tab, with these columns."""
    plain = {
        name: value if isinstance(value, bool | int | float) else in_words(value)
        for name, value in hyperparameters.items()
    }
    return _values(hparams_config_pb([HParam(name) for name in plain], metrics), hparams_pb(plain, trial_id=run_name))


def hparams_end(success: bool) -> list[Summary.Value]:
    """A run ends."""
    return _values(session_end_pb(api_pb2.STATUS_SUCCESS if success else api_pb2.STATUS_FAILURE))


def _values(*summaries: Any) -> list[Summary.Value]:
    """The values of summaries, of which some functions of TensorBoard's make TensorFlow's own."""
    return [value for summary in summaries for value in Summary.FromString(summary.SerializeToString()).value]


def in_words(value: Any) -> str:
    """A setting for people: the units of the hidden layers as 16-16, nothing as nothing."""
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    return "" if value is None else str(value)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def op_graph(model: keras.Model, num_inputs: int, num_outputs: int) -> bytes:
    """The operations of one training step, as TensorFlow carries them out, in three groups.

    Args:
        model: built, and compiled with a loss.
        num_inputs: entries of a sample.
        num_outputs: entries of a target.

    Returns:
        A serialized `GraphDef`, with the names 1_forward, 2_loss, 3_backward and 4_gradients at its top.
    """
    parameters, dtype = model.trainable_variables, model.trainable_variables[0].dtype

    @tf.function(
        input_signature=[tf.TensorSpec((None, num_inputs), dtype, "x"), tf.TensorSpec((None, num_outputs), dtype, "y")]
    )
    def step(x: tf.Tensor, y: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            with tf.name_scope("1_forward"):
                outputs = model(x, training=True)
            with tf.name_scope("2_loss"):
                cost = model.loss(y, outputs)
        with tf.name_scope("3_backward"):
            gradients = tape.gradient(cost, parameters)
        with tf.name_scope("4_gradients"):
            return [tf.identity(g, p.path.replace("/", "_")) for p, g in zip(parameters, gradients, strict=True)]

    graph = step.get_concrete_function().graph.as_graph_def(add_shapes=True)
    step_nodes = [node for node in graph.node if "/" in node.name or node.op == "Placeholder"]  # less what returns them
    del graph.node[:]
    graph.node.extend(step_nodes)
    groups = (model.name, *(layer.name for layer in model.layers))
    for node in graph.node:
        node.name = _in_its_group(node.name, groups)
        node.input[:] = [_in_its_group(name, groups) for name in node.input]
    return graph.SerializeToString()


def _in_its_group(name: str, groups: tuple[str, ...]) -> str:
    """The name of an operation: what the tape made is in 3_backward, and groups are without the numbers Keras adds."""
    name = re.sub(r"^(\^?)gradient_tape/", r"\g<1>3_backward/", name)  # ^ is before what must only have been done
    return re.sub(rf"(?<=/)({'|'.join(map(re.escape, groups))})_\d+(?=/)", r"\1", name)
