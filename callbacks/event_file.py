"""Files of TensorBoard events, and what can be put into an event: numbers, histograms, pictures, texts.

The summaries are the plain ones that TensorBoard has always read and turns into tensors itself: a scalar takes 5
microseconds to build rather than 30, and 30 bytes rather than 64. An event may hold any number of them.
"""

import errno
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.plugins.text.summary_v2 import text_pb

from backprop.functions import Array

NUM_BINS = 30
"""Of a histogram, as many as TensorBoard shows."""


class EventFile:
    """A file of events. Several threads may write to it.

    What is written reaches the file at the next `flush`, or before.

    Args:
        folder: made where it is missing; TensorBoard shows it as a run.
        name: what the file's name ends in.

    Raises:
        OSError: from all methods, where the file cannot be written.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{name or socket.gethostname()}"
        self._lock = threading.Lock()
        with self._lock, _os_errors(self.path):
            self._writer = tf.io.TFRecordWriter(str(self.path))
        self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, step: int, values: Sequence[Summary.Value], wall_time: float | None = None) -> None:
        """Write one event with all that belongs to a step.

        Args:
            step: where the values stand on the horizontal axis.
            values: from the functions below.
            wall_time: seconds since 1970, where they stand on an axis of time; now where left out.
        """
        wall_time = time.time() if wall_time is None else wall_time
        self._append(Event(wall_time=wall_time, step=step, summary=Summary(value=values)))

    def write_graph(self, graph_def: bytes) -> None:
        """Write the graph of operations that the Graphs tab shows, a serialized `GraphDef`."""
        self._append(Event(wall_time=time.time(), graph_def=graph_def))

    def flush(self) -> None:
        """Let a reader see what was written so far."""
        with self._lock, _os_errors(self.path):
            self._writer.flush()

    def close(self) -> None:
        """Flush and close."""
        with self._lock, _os_errors(self.path):
            self._writer.close()

    def _append(self, event: Event) -> None:
        with self._lock, _os_errors(self.path):
            self._writer.write(event.SerializeToString())


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    """Raise what TensorFlow says of a file as the OSError that Python would raise."""
    try:
        yield
    except tf.errors.OpError as error:
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        raise OSError(errno.ENOSPC if full else errno.EIO, error.message.split("; ")[-1], str(path)) from error


# --- what an event can hold -------------------------------------------------------------------------------------


def scalar(tag: str, number: float) -> Summary.Value:
    """A point of a curve. A tag's first level is its section in TensorBoard."""
    return Summary.Value(tag=tag, simple_value=number)


def picture(tag: str, png: bytes, width: int, height: int) -> Summary.Value:
    """A picture, as PNG of that many pixels."""
    return Summary.Value(
        tag=tag, image=Summary.Image(encoded_image_string=png, width=width, height=height, colorspace=3)
    )


def text(tag: str, markdown: str) -> Summary.Value:
    """A text in markdown."""
    return text_pb(tag, markdown).value[0]


def histograms(tag: str, values: Array) -> list[Summary.Value | None]:
    """Histograms of several arrays, with bins of equal width between the least and the largest value of each.

    Args:
        tag: the same for all.
        values: (n, *shape).

    Returns:
        n of them; None where values are not finite, or so far apart that the width of a bin would not be.
    """
    values = values.reshape(len(values), -1)  # (n, entries)
    least, largest = values.min(axis=1), values.max(axis=1)  # (n,); NaN where there is a NaN
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(largest - least)
        width = np.where(finite & (largest > least), largest - least, 1)
        scaled = (values - least[:, np.newaxis]) * (NUM_BINS / width)[:, np.newaxis]
    bins = np.where(finite[:, np.newaxis], np.minimum(scaled, NUM_BINS - 1), 0).astype(np.int64)  # (n, entries)
    bins += NUM_BINS * np.arange(len(values))[:, np.newaxis]
    counts = np.bincount(bins.ravel(), minlength=NUM_BINS * len(values)).reshape(-1, NUM_BINS)
    right_edges = least[:, np.newaxis] + width[:, np.newaxis] * (np.arange(1, NUM_BINS + 1) / NUM_BINS)
    return [
        Summary.Value(
            tag=tag,
            histo=HistogramProto(min=low, max=high, num=len(row), bucket_limit=edges, bucket=row_counts),
        )
        if is_finite
        else None
        for row, low, high, edges, row_counts, is_finite in zip(
            values, least.tolist(), largest.tolist(), right_edges.tolist(), counts.tolist(), finite, strict=True
        )
    ]
