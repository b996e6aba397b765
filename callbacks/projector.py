"""Hands the hidden layers' activations to TensorBoard's projector: one point for each picture, which it wears."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from backprop.functions import Array
from callbacks.event_file import EventFile, text


def write_embeddings(
    folder: Path,
    step: int,
    embeddings: Mapping[str, Array],
    columns: Mapping[str, Array],
    sprite: bytes | None = None,
    image_shape: tuple[int, int] = (0, 0),
) -> None:
    """Write a run of its own, which the projector finds while TensorBoard is running.

    TensorBoard reads what the projector shows once, when a run is new: thus the event file, which makes the folder a
    run, comes last.

    Args:
        folder: of the run; it should not be there yet.
        step: at which the activations were taken.
        embeddings: (n, units) each, by name.
        columns: (n,) each, by name: what is known of each point.
        sprite: PNG with the n pictures as tiles, row by row in a square.
        image_shape: rows and columns of a tile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_columns(folder / "columns.tsv", columns)
    config = ProjectorConfig()
    for name, activations in embeddings.items():
        np.savetxt(folder / f"{name}.tsv", activations, fmt="%.5g", delimiter="\t")
        embedding = config.embeddings.add(
            tensor_name=name,
            tensor_path=f"{name}.tsv",
            tensor_shape=activations.shape,
            metadata_path="columns.tsv",
        )
        if sprite is not None:
            embedding.sprite.image_path = "sprite.png"
            embedding.sprite.single_image_dim.extend(reversed(image_shape))
    if sprite is not None:
        (folder / "sprite.png").write_bytes(sprite)
    (folder / "projector_config.pbtxt").write_text(text_format.MessageToString(config), encoding="utf-8")
    events = EventFile(folder)
    names = ", ".join(embeddings)
    events.write(step, [text("projector", f"The Projector tab shows the activations of {names} after {step:,} steps.")])
    events.close()


def _write_columns(path: Path, columns: Mapping[str, Array]) -> None:
    """With a head, unless there is but one column: so the projector wants it."""
    rows = list(zip(*columns.values(), strict=True))
    lines = ["\t".join(columns)] if len(columns) > 1 else []
    lines += ["\t".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
