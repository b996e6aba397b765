"""Draws what TensorBoard's Images tab shows of a training run: kernels, confusion matrix, mistakes, the network.

It is done once an epoch, in the time of some training steps: Pillow draws everything in one palette, so that a pixel is
a byte and little is left to pack. The functions know nothing of TensorBoard or Keras: arrays in, a picture out.

TensorBoard 2.21 shows pictures 350 pixels wide, without smoothing, and leaves pixels out where a picture is wider. So
these are 350 wide: every pixel is seen, and there is a quarter to draw and to pack of what a picture of 700 would have.

**Colours.** On white. Blue is below zero and red above, after ColorBrewer's RdBu, which colour-blind readers can tell
apart. Grey has no sign. Magenta is what is infinite or not a number.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Array: TypeAlias = npt.NDArray[Any]
Indices: TypeAlias = npt.NDArray[np.uint8]
"""Pixels, each the index of its colour in `PALETTE`."""

# --- colours ----------------------------------------------------------------------------------------------------

BLUE_TO_RED = "053061 2166ac 4393c3 92c5de d1e5f0 ffffff fddbc7 f4a582 d6604d b2182b 67001f"
MAGENTA = (255, 0, 255)

TONES = 32
"""Steps from white to the full blue, and to the full red. More would make files larger and be seen by nobody."""

GREYS = 33

ZERO = TONES
"""Index of the neutral colour: `ZERO - TONES` is full blue, `ZERO + TONES` full red."""

WHITE = 2 * TONES + 1
BLACK = WHITE + GREYS - 1
LIGHT_GREY = WHITE + 5
NOT_FINITE = BLACK + 1

READABLE = 15
"""The strongest tone on which black letters can be read."""


def _palette() -> Indices:
    """uint8 (NOT_FINITE + 1, 3), red, green and blue."""
    anchors = np.array([tuple(bytes.fromhex(colour)) for colour in BLUE_TO_RED.split()])  # (11, 3)
    places = np.linspace(0, len(anchors) - 1, 2 * TONES + 1)
    tones = np.stack([np.interp(places, np.arange(len(anchors)), channel) for channel in anchors.T], axis=1)
    greys = np.repeat(np.linspace(255, 0, GREYS)[:, np.newaxis], 3, axis=1)
    return np.concatenate([tones, greys, [MAGENTA]]).round().astype(np.uint8)


PALETTE = _palette()

# --- sizes, in pixels -------------------------------------------------------------------------------------------

WIDTH = 350
GAP = 2
MARGIN = 4
LINE = 23
"""Height of a line of text."""

TEXT = 17
SMALL_TEXT = 14
SMALLEST_TEXT = 10

MAX_TILES = 64
MAX_DIGITS = 16
DIGITS_IN_ROW = 4
MAX_SPRITE = 8192
"""The projector takes no picture that is wider or higher."""

# of the drawn network
MAX_UNITS = 24
FAINTEST = 0.05
"""The weakest edge that is drawn, as a share of the strongest."""

LAYERS_TOP = 2 * LINE
LAYERS_HEIGHT = 240
LAYER_WIDTH = 85
PATCH = 84
LEFT, RIGHT = 50, 40
"""From the picture's border to the middle of the input, and of the output."""


# --- the pictures -----------------------------------------------------------------------------------------------


def png(picture: Image.Image) -> bytes:
    """A picture as the content of a PNG file.

    Compressed at level 2. Measured on a run's pictures, with the zlib-ng of Pillow's wheels: at level 1, it is no
    quicker and files are 5 % larger; at level 6, it takes four times as long and files are 16 % smaller.
    """
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=2)
    return file.getvalue()


def kernel_tiles(kernel: Array, image_shape: tuple[int, int], title: str = "") -> Image.Image:
    """What each unit of a layer looks for: its incoming weights as an image. For a kernel's gradient just as well.

    All tiles share one scale, from minus to plus the largest magnitude in the kernel, and it is written above them.
    Unit 0 is at the top left, unit 1 to its right. Of more than 64 units, those with the largest norms are shown.

    Args:
        kernel: float (inputs, units).
        image_shape: rows and columns of a tile; their product is the number of inputs.
        title: written above, at the left.

    Returns:
        A picture in `PALETTE`, 350 pixels wide, or wider where the tiles need it.

    Raises:
        ValueError: where the kernel is empty, has not two axes, or does not fit `image_shape`.
    """
    kernel = _floats("kernel", kernel, "(inputs, units)")
    inputs, units = kernel.shape
    rows, columns = image_shape
    if rows * columns != inputs:
        raise ValueError(
            f"kernel has shape {kernel.shape}; expected ({rows * columns}, units) for tiles of {rows} x {columns}. "
            "Keras kernels are (inputs, outputs): is it transposed?"
        )
    shown = _strongest(_norms(kernel, axis=0), MAX_TILES)
    tiles = _tones(_shares(kernel)[:, shown]).T.reshape(-1, rows, columns)
    tiles_in_row = _tiles_in_row(len(tiles), rows, columns)
    scale = _scale(rows, columns, WIDTH // math.ceil(len(tiles) / tiles_in_row) - GAP, WIDTH // tiles_in_row - GAP)
    sheet = _sheet(_enlarge(tiles, scale), tiles_in_row, GAP, GAP, LIGHT_GREY)
    sheet = np.pad(sheet, ((GAP, 0), (GAP, 0)), constant_values=LIGHT_GREY)
    height, width = sheet.shape

    notes = [f"{MAX_TILES} of {units:,} units: the largest norms"] if units > MAX_TILES else []
    canvas = _Canvas(max(WIDTH, width), LINE * (1 + len(notes)) + height)
    canvas.write((MARGIN, LINE // 2), title, anchor="lm")
    canvas.colour_bar((canvas.width - MARGIN, LINE // 2), f"± {_number(_largest(kernel))}")
    for note in notes:
        canvas.write((MARGIN, LINE + LINE // 2), note, anchor="lm")
    canvas.paste(sheet, (canvas.width - width) // 2, canvas.height - height)
    return canvas.picture


def confusion_matrix(counts: Array) -> Image.Image:
    """Which class is taken for which: what is right in blue, errors in red.

    The tone tells the share of the row, which holds all samples that truly are of that class. What is right has it in
    proportion; errors have it by their square root, full at a tenth, so that one in a hundred is seen well. Zeros are
    left out, and all numbers where there is no room for them.

    Args:
        counts: integer (C, C), rows are the true classes, columns the predicted ones.

    Returns:
        A picture in `PALETTE`, 350 pixels wide, or wider for hundreds of classes.

    Raises:
        ValueError: where the counts are not square, not integers, or negative.
    """
    counts = np.asarray(counts)
    if counts.dtype.kind not in "iu":
        raise ValueError(f"counts are {counts.dtype}; expected integers")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ValueError(f"counts have shape {counts.shape}; expected (C, C), true by predicted, with C at least 1")
    if counts.min() < 0:
        raise ValueError(f"counts hold {counts.min()}; expected none below 0")
    classes, margin = len(counts), 2 * LINE
    cell = max(1, (WIDTH - margin - 1) // classes)
    middles = [margin + k * cell + cell // 2 for k in range(classes)]
    end = margin + classes * cell

    canvas = _Canvas(max(WIDTH, end + 1), end + 1)
    canvas.paste(_enlarge(_confusion_colours(counts), cell), margin, margin)
    canvas.write(((margin + end) // 2, LINE // 2), "predicted")
    canvas.write((margin - 5, margin - LINE // 2), "true", anchor="rm")
    for k in range(0, classes, math.ceil(LINE / cell)):  # as many labels as there is room for
        canvas.write((middles[k], margin - LINE // 2), str(k))
        canvas.write((margin - 5, middles[k]), str(k), anchor="rm")
    text_size = _text_size(str(counts.max()), cell)
    if text_size >= SMALLEST_TEXT:
        for k in range(classes + 1):
            line = margin + k * cell
            canvas.shapes.line((line, margin, line, end), LIGHT_GREY)
            canvas.shapes.line((margin, line, end, line), LIGHT_GREY)
        for true, predicted in np.argwhere(counts):
            canvas.write((middles[predicted], middles[true]), str(counts[true, predicted]), text_size)
    return canvas.picture


def misclassified(images: Array, true: Array, predicted: Array, cost: Array) -> Image.Image:
    """The digits that the network gets most wrong, each with what it is and what it is taken for.

    Args:
        images: float (n, rows, columns), ink in [0, 1]: the wrong ones, or all that were tested.
        true: integer (n,).
        predicted: integer (n,).
        cost: float (n,), the larger the worse; one that is not a number is the worst.

    Returns:
        A picture in `PALETTE`: up to 16 of those with `true != predicted`, row by row from the worst down. Where there
        are none, it says so.

    Raises:
        ValueError: where the images have not three axes, or the others not one entry for each image.
    """
    images = np.asarray(images)
    _check_axes("images", images, "(n, rows, columns)", may_be_none=True)
    true, predicted, cost = np.asarray(true), np.asarray(predicted), np.asarray(cost, dtype=np.float64)
    shapes = {"true": true.shape, "predicted": predicted.shape, "cost": cost.shape}
    unfit = [f"{name} has shape {shape}" for name, shape in shapes.items() if shape != images.shape[:1]]
    if unfit:
        raise ValueError(f"{'; '.join(unfit)}; expected {images.shape[:1]}, one for each of the images")
    wrong = np.flatnonzero(true != predicted)
    if len(wrong) == 0:
        return _message("none misclassified")
    badness = np.where(np.isnan(cost[wrong]), np.inf, cost[wrong])
    worst = wrong[np.argsort(-badness, kind="stable")[:MAX_DIGITS]]

    room = WIDTH // DIGITS_IN_ROW - GAP
    tiles = _enlarge(_greys(images[worst]), _scale(images.shape[1], images.shape[2], room, room))
    sheet = _sheet(tiles, DIGITS_IN_ROW, GAP, LINE, WHITE)
    tile_height, tile_width = tiles.shape[1] + LINE, tiles.shape[2] + GAP

    canvas = _Canvas(max(WIDTH, sheet.shape[1]), LINE + len(sheet))
    left = (canvas.width - sheet.shape[1]) // 2
    canvas.write((MARGIN, LINE // 2), f"{len(worst)} of {len(wrong):,} wrong", anchor="lm")
    canvas.write_arrow((canvas.width - 94, LINE // 2), "true", "predicted")
    canvas.paste(sheet, left, LINE)
    for k, sample in enumerate(worst):
        row, column = divmod(k, DIGITS_IN_ROW)
        middle = left + column * tile_width + tiles.shape[2] // 2
        caption = LINE + (row + 1) * tile_height - LINE // 2
        canvas.write_arrow((middle, caption), str(true[sample]), str(predicted[sample]))
    return canvas.picture


def network(
    kernel_gradients: Sequence[Array], bias_gradients: Sequence[Array], image_shape: tuple[int, int] | None = None
) -> Image.Image:
    """Where the network is learning: its gradients, drawn as edges and circles.

    An edge has the colour of its weight's gradient, a circle that of its unit's bias: each layer on its own scale,
    whose end is written beneath. Edges under a twentieth of it are left out. What has no sign is grey: an input pixel
    shows the norm of the gradients of all its weights, and an edge from the input picture the norm of all the weights
    that lead to the unit. Of more than 24 units, those with the largest norm of all their gradients are shown.

    Args:
        kernel_gradients: float (n_l, n_l+1) each, from the input's side.
        bias_gradients: float (n_l+1,) each.
        image_shape: rows and columns of the input; None draws it as units.

    Returns:
        A picture in `PALETTE`, 350 pixels wide, or wider for more than two hidden layers.

    Raises:
        ValueError: where the gradients do not make a network, or do not fit `image_shape`; it tells all that is wrong.
    """
    dW = [_floats(f"kernel gradient {l}", kernel, "(inputs, units)") for l, kernel in enumerate(kernel_gradients)]
    db = [_floats(f"bias gradient {l}", bias, "(units,)") for l, bias in enumerate(bias_gradients)]
    _check_network(dW, db, image_shape)
    canvas = _Canvas(max(WIDTH, LAYER_WIDTH * (len(dW) + 1)), LAYERS_TOP + LAYERS_HEIGHT + 3 * LINE)
    x = np.linspace(LEFT, canvas.width - RIGHT, len(dW) + 1).astype(int).tolist()
    layers = [_input_layer(x[0], dW[0], image_shape), *_learning_layers(x[1:], dW, db)]
    for l, kernel in enumerate(dW):
        before, after = layers[l], layers[l + 1]
        if before.is_picture:
            norms = _shares(_norms(kernel, axis=0))[np.newaxis, after.shown]  # (1, n)
            _draw_edges(canvas, before, after, norms, _greys(norms))
        else:
            edges = _shares(kernel)[np.ix_(before.shown, after.shown)]
            _draw_edges(canvas, before, after, edges, _tones(edges))
    for layer in layers:
        _draw_layer(canvas, layer)
    _write_scales(canvas, x, dW, db)
    return canvas.picture


def sprite(images: Array) -> Image.Image:
    """All images in one, as TensorBoard's projector wants them: row by row in a square, without gaps.

    White on black, because the projector multiplies them with the colour of their class.

    Args:
        images: float (n, rows, columns), ink in [0, 1].

    Returns:
        A picture in `PALETTE`, with one and the same number of images in each row and column.

    Raises:
        ValueError: where there is no image, or there are more than the projector can take.
    """
    images = _floats("images", images, "(n, rows, columns)")
    n, rows, columns = images.shape
    side = math.isqrt(n - 1) + 1
    if side * max(rows, columns) > MAX_SPRITE:
        raise ValueError(
            f"{n:,} images of {rows} x {columns} make a sprite {side * max(rows, columns):,} pixels long; expected no "
            f"more than {MAX_SPRITE:,}: show at most {(MAX_SPRITE // max(rows, columns)) ** 2:,}"
        )
    sheet = np.full((side * rows, side * columns), BLACK, dtype=np.uint8)
    filled = _sheet(_greys(1 - images), side, 0, 0, BLACK)
    sheet[: len(filled)] = filled
    return _image(sheet)


# --- from values to colours ---------------------------------------------------------------------------------------


def _largest(values: Array) -> float:
    """The largest finite magnitude; 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


def _shares(values: Array) -> Array:
    """Values over their largest magnitude, or over 1 where all are zero."""
    return values / (_largest(values) or 1)


def _norms(matrix: Array, axis: int) -> Array:
    """Euclidean norms along the axis, over the matrix's largest magnitude: thus their squares cannot overflow."""
    return np.asarray(np.linalg.norm(_shares(matrix), axis=axis))


def _strongest(norms: Array, at_most: int) -> npt.NDArray[np.intp]:
    """Where the largest norms are, in ascending order of place. One that is not finite is larger than all others."""
    sizes = np.where(np.isfinite(norms), norms, np.inf)
    return np.sort(np.argsort(-sizes, kind="stable")[:at_most])


def _tones(shares: Array) -> Indices:
    """Values in [-1, 1] as blue (-1), white (0) and red (1)."""
    finite = np.isfinite(shares)
    steps = np.rint(np.where(finite, shares, 0) * TONES)
    return np.where(finite, ZERO + steps, NOT_FINITE).astype(np.uint8)


def _greys(values: Array) -> Indices:
    """Values as white (0) to black (1), those beyond like the nearer of the two."""
    finite = np.isfinite(values)
    steps = np.rint(np.where(finite, values, 0).clip(0, 1) * (GREYS - 1))
    return np.where(finite, WHITE + steps, NOT_FINITE).astype(np.uint8)


def _confusion_colours(counts: Array) -> Indices:
    """A colour for each cell, uint8 (C, C); see `confusion_matrix`."""
    share = counts / counts.sum(axis=1, keepdims=True).clip(min=1)  # (C, C)
    right = ZERO - np.rint(READABLE * share)
    wrong = ZERO + np.ceil(READABLE * np.sqrt(share / 0.1).clip(max=1))
    return np.asarray(np.where(np.eye(len(counts), dtype=bool), right, wrong), dtype=np.uint8)


def _number(value: float) -> str:
    """A magnitude in few characters.

    Example:
        >>> [_number(value) for value in (1.2345, 0.012, 0.00312, 0.0, 12345.0)]
        ['1.23', '0.012', '3.1e-3', '0', '1.2e4']
    """
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


# --- from tiles to sheets -----------------------------------------------------------------------------------------


def _scale(rows: int, columns: int, height: int, width: int) -> int:
    """How often to repeat a tile's pixels so that it fills the room; 1 where it is too large."""
    return max(1, min(height // rows, width // columns))


def _tiles_in_row(n: int, rows: int, columns: int) -> int:
    """How many tiles make the sheet about square."""
    return min(n, math.ceil(math.sqrt(n * rows / columns)))


def _enlarge(tiles: Indices, scale: int) -> Indices:
    """Each pixel of the last two axes `scale` times, in both directions."""
    return tiles.repeat(scale, axis=-1).repeat(scale, axis=-2)


def _sheet(tiles: Indices, tiles_in_row: int, right: int, below: int, ground: int) -> Indices:
    """Tiles (n, rows, columns) side by side, row after row, each with some ground at its right and below it."""
    n, rows, columns = tiles.shape
    tile_rows = math.ceil(n / tiles_in_row)
    cells = np.full((tile_rows * tiles_in_row, rows + below, columns + right), ground, dtype=np.uint8)
    cells[:n, :rows, :columns] = tiles
    cells = cells.reshape(tile_rows, tiles_in_row, rows + below, columns + right)
    return cells.swapaxes(1, 2).reshape(tile_rows * (rows + below), tiles_in_row * (columns + right))


# --- from sheets to pictures --------------------------------------------------------------------------------------


def _image(indices: Indices) -> Image.Image:
    image = Image.fromarray(indices)
    image.putpalette(PALETTE.tobytes())
    return image


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own. It has no arrow, no minus and no Greek."""
    return ImageFont.load_default(size)


def _text_size(text: str, room: int) -> int:
    """The size in which the text fills nine tenths of the room; no more than twice the usual."""
    return int(min(0.9 * room * TEXT / _font(TEXT).getlength(text), 0.5 * room, 2 * TEXT))


PALEST_INK = 0.3
"""What is paler is left out, as it would be a bright seam on a dark colour."""


@lru_cache(maxsize=4096)
def _letters(text: str, size: int, anchor: str) -> tuple[Image.Image, Image.Image, int, int]:
    """A text in greys, where it has ink, and its left and its top as seen from the anchor.

    Pillow smooths no text in a palette picture. So its ink is drawn apart, and its greys are among the palette's. It is
    kept, because that takes twenty times as long as to paste it, and most texts come back in each epoch.
    """
    left, top, right, bottom = (int(edge) for edge in _font(size).getbbox(text, anchor=anchor))
    ink = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(ink).text((-left, -top), text, fill=255, font=_font(size), anchor=anchor)
    shares = np.asarray(ink) / 255
    return _image(_greys(shares)), Image.fromarray(shares > PALEST_INK), left, top


class _Canvas:
    """White ground to draw on, by palette index; what is drawn later lies on top."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.picture = _image(np.full((height, width), WHITE, dtype=np.uint8))
        self.shapes = ImageDraw.Draw(self.picture)

    def write(self, position: tuple[int, int], text: str, size: int = TEXT, anchor: str = "mm") -> None:
        """Black text; the anchor is Pillow's, such as "lm" for its left end at half its height."""
        letters, inked, left, top = _letters(text, size, anchor)
        self.picture.paste(letters, (position[0] + left, position[1] + top), inked)

    def write_arrow(self, middle: tuple[int, int], before: str, after: str) -> None:
        """Two texts with an arrow between them."""
        x, y = middle
        self.write((x - 14, y), before, anchor="rm")
        self.write((x + 14, y), after, anchor="lm")
        self.shapes.line((x - 9, y, x + 5, y), BLACK, width=2)
        self.shapes.polygon([(x + 3, y - 5), (x + 9, y), (x + 3, y + 5)], BLACK)

    def colour_bar(self, right: tuple[int, int], text: str, size: int = TEXT) -> None:
        """The tones from blue to red, and then the text, which ends at the position."""
        x, y = right
        self.write(right, text, size, anchor="rm")
        bar = np.arange(ZERO - TONES, ZERO + TONES + 1, dtype=np.uint8)[np.newaxis].repeat(12, axis=0)
        self.paste(bar, x - int(_font(size).getlength(text)) - bar.shape[1] - 6, y - 6)

    def paste(self, sheet: Indices, left: int, top: int) -> None:
        """A sheet of palette indices, as it is."""
        self.picture.paste(_image(sheet), (left, top))


def _message(text: str) -> Image.Image:
    canvas = _Canvas(WIDTH, 4 * LINE)
    canvas.write((WIDTH // 2, 2 * LINE), text)
    return canvas.picture


# --- the network --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """What is drawn of a layer.

    Attributes:
        name: such as "hidden 1".
        size: in words, such as "24 of 1,024".
        x: where its middle lies.
        shown: (n,), which of its units; empty where it is a picture.
        colours: (n,), of their circles; or (rows, columns), of the picture.
    """

    name: str
    size: str
    x: int
    shown: npt.NDArray[np.intp]
    colours: Indices

    @property
    def is_picture(self) -> bool:
        """Whether there is one picture in place of its units."""
        return self.colours.ndim == 2

    @property
    def y(self) -> list[int]:
        """Where its units lie, or its picture: spread over the height."""
        n = 1 if self.is_picture else len(self.shown)
        return [LAYERS_TOP + (2 * k + 1) * LAYERS_HEIGHT // (2 * n) for k in range(n)]


def _check_network(dW: list[Array], db: list[Array], image_shape: tuple[int, int] | None) -> None:
    if not dW or len(dW) != len(db):
        raise ValueError(
            f"there are {len(dW)} kernel gradients and {len(db)} bias gradients; expected one of each for each layer"
        )
    faults = []
    for l, (kernel, bias) in enumerate(zip(dW, db, strict=True)):
        if l > 0 and len(kernel) != len(db[l - 1]):
            faults.append(f"kernel gradient {l} has shape {kernel.shape}; expected ({len(db[l - 1])}, units)")
        if kernel.shape[1:] != bias.shape:
            faults.append(f"bias gradient {l} has shape {bias.shape}; expected {kernel.shape[1:]}")
    if image_shape is not None and math.prod(image_shape) != len(dW[0]):
        faults.append(f"the first layer has {len(dW[0])} inputs; expected {math.prod(image_shape)} for {image_shape}")
    if faults:
        raise ValueError("; ".join(faults))


def _input_layer(x: int, kernel: Array, image_shape: tuple[int, int] | None) -> _Layer:
    """The input, coloured by the norms of the kernel's rows."""
    norms = _norms(kernel, axis=1)
    colours = _greys(_shares(norms))
    if image_shape is None:
        shown = _strongest(norms, MAX_UNITS)
        return _Layer("input", _size(len(shown), len(kernel)), x, shown, colours[shown])
    step = math.ceil(max(image_shape) / PATCH)
    picture = colours.reshape(image_shape)[::step, ::step]
    picture = _enlarge(picture, _scale(len(picture), picture.shape[1], PATCH, PATCH))
    return _Layer("input", f"{image_shape[0]} x {image_shape[1]}", x, np.arange(0), picture)


def _learning_layers(x: list[int], dW: list[Array], db: list[Array]) -> list[_Layer]:
    """The layers after the input, coloured by the biases' gradients."""
    layers = []
    for l, (kernel, bias) in enumerate(zip(dW, db, strict=True)):
        name = "output" if l == len(dW) - 1 else f"hidden {l + 1}"
        shown = _strongest(_norms(np.vstack([kernel, bias]), axis=0), MAX_UNITS)
        layers.append(_Layer(name, _size(len(shown), len(bias)), x[l], shown, _tones(_shares(bias)[shown])))
    return layers


def _size(num_shown: int, num_units: int) -> str:
    return f"{num_units:,}" if num_shown == num_units else f"{num_shown} of {num_units:,}"


def _draw_edges(canvas: _Canvas, before: _Layer, after: _Layer, shares: Array, colours: Indices) -> None:
    """Lines from each unit of one layer to each of the next, the strongest last, so that they lie on top.

    Args:
        canvas: to draw on.
        before: the layer of n units.
        after: the layer of m units.
        shares: (n, m), the edges' values over the largest magnitude.
        colours: (n, m), of the edges.
    """
    strengths = np.where(np.isfinite(shares), np.abs(shares), np.inf)
    starts, ends = before.y, after.y
    for place in np.argsort(strengths, axis=None).tolist():
        j, k = divmod(place, len(ends))
        if strengths[j, k] >= FAINTEST:
            canvas.shapes.line((before.x, starts[j], after.x, ends[k]), int(colours[j, k]))


def _draw_layer(canvas: _Canvas, layer: _Layer) -> None:
    """Its name, its size, and its units or its picture."""
    canvas.write((layer.x, LINE // 2), layer.name)
    canvas.write((layer.x, LINE + LINE // 2), layer.size, SMALL_TEXT)
    if layer.is_picture:
        height, width = layer.colours.shape
        left, top = layer.x - width // 2, layer.y[0] - height // 2
        canvas.shapes.rectangle((left - 1, top - 1, left + width, top + height), outline=BLACK)
        canvas.paste(layer.colours, left, top)
        return
    radius = min(10, LAYERS_HEIGHT // (2 * len(layer.shown)) - 1)
    for y, colour in zip(layer.y, layer.colours.tolist(), strict=True):
        canvas.shapes.circle((layer.x, y), radius, colour, outline=BLACK)


def _write_scales(canvas: _Canvas, x: list[int], dW: list[Array], db: list[Array]) -> None:
    """Three lines beneath the network: the largest gradients of the kernels, of the biases, and what colours mean."""
    kernels, biases, colours = (LAYERS_TOP + LAYERS_HEIGHT + k * LINE + LINE // 2 for k in range(3))
    canvas.write((MARGIN, kernels), "max dW", SMALL_TEXT, anchor="lm")
    canvas.write((MARGIN, biases), "max db", SMALL_TEXT, anchor="lm")
    for l, (kernel, bias) in enumerate(zip(dW, db, strict=True)):
        canvas.write(((x[l] + x[l + 1]) // 2, kernels), _number(_largest(kernel)), SMALL_TEXT)
        canvas.write((x[l + 1], biases), _number(_largest(bias)), SMALL_TEXT)
    canvas.write((MARGIN, colours), "grey: norms", SMALL_TEXT, anchor="lm")
    canvas.colour_bar((canvas.width - MARGIN, colours), "± max", SMALL_TEXT)


# --- what comes in ------------------------------------------------------------------------------------------------


def _floats(name: str, array: Array, axes: str) -> Array:
    """The array as float64, where it has the axes that are named; see `_check_axes`."""
    floats = np.asarray(array, dtype=np.float64)
    _check_axes(name, floats, axes)
    return floats


def _check_axes(name: str, array: Array, axes: str, may_be_none: bool = False) -> None:
    """Check that an array has the axes that are named, such as "(n, rows, columns)".

    Raises:
        ValueError: with its shape, where it has another number of axes, or one of length 0. The first axis may have
            that length if there `may_be_none`.
    """
    if array.ndim != len(axes.strip("(),").split(",")) or 0 in array.shape[may_be_none:]:
        raise ValueError(f"{name} has shape {array.shape}; expected {axes}, not empty")
