"""The pictures for TensorBoard: pixels of known values, and what is written on them."""

import io
import itertools
import math

import numpy as np
import pytest
from PIL import Image

from callbacks import pictures
from callbacks.pictures import (
    BLACK,
    GAP,
    GREYS,
    LINE,
    MARGIN,
    NOT_FINITE,
    PALETTE,
    READABLE,
    TONES,
    WHITE,
    WIDTH,
    ZERO,
    confusion_matrix,
    kernel_tiles,
    misclassified,
    network,
    png,
    sprite,
)

RED, BLUE = ZERO + TONES, ZERO - TONES


@pytest.fixture
def written(monkeypatch):
    """All texts that are written, in order, while they are drawn as usual."""
    texts = []
    write = pictures._Canvas.write

    def write_and_note(canvas, position, text, *args, **kwargs):
        texts.append(text)
        write(canvas, position, text, *args, **kwargs)

    monkeypatch.setattr(pictures._Canvas, "write", write_and_note)
    return texts


def pixels(picture):
    """The indices of the colours, uint8 (height, width)."""
    return np.asarray(picture)


def num_of(picture, colour):
    return int((pixels(picture) == colour).sum())


def num_of_dark(indices):
    """How many pixels of letters, without their pale borders."""
    return int(((indices > (WHITE + BLACK) // 2) & (indices <= BLACK)).sum())


# --- colours and files --------------------------------------------------------------------------------------------


def test_palette_is_blue_white_red_and_grey_and_magenta():
    assert PALETTE[BLUE].tolist() == [0x05, 0x30, 0x61]
    assert PALETTE[ZERO].tolist() == PALETTE[WHITE].tolist() == [255, 255, 255]
    assert PALETTE[RED].tolist() == [0x67, 0x00, 0x1F]
    assert PALETTE[BLACK].tolist() == [0, 0, 0]
    assert PALETTE[NOT_FINITE].tolist() == [255, 0, 255]
    assert len(PALETTE) <= 256


def test_png_decodes_to_the_same_colours():
    picture = kernel_tiles(np.random.default_rng(0).normal(size=(6, 4)), (2, 3), "kernel")
    decoded = Image.open(io.BytesIO(png(picture)))
    assert decoded.format == "PNG"
    np.testing.assert_array_equal(np.asarray(decoded.convert("RGB")), PALETTE[pixels(picture)])


# --- kernels ------------------------------------------------------------------------------------------------------


def weights_of(picture, units, rows, columns, notes=0):
    """Reads the tiles back: the index in the middle of each weight, (units, rows, columns).

    The layout, for a sheet as wide as high as that of n^2 square tiles: n in a row, a whole number of pixels for each
    weight, a gap before each tile and one after the last, and all of it in the middle.
    """
    n = math.isqrt(units)
    scale = (WIDTH // n - GAP) // max(rows, columns)
    width = n * (columns * scale + GAP) + GAP
    left = (WIDTH - width) // 2
    image, top = pixels(picture), LINE * (1 + notes)
    tiles = np.empty((units, rows, columns), dtype=int)
    for unit, row, column in np.ndindex(tiles.shape):
        y = top + GAP + unit // n * (rows * scale + GAP) + row * scale + scale // 2
        x = left + GAP + unit % n * (columns * scale + GAP) + column * scale + scale // 2
        tiles[unit, row, column] = image[y, x]
    return tiles


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_weight_has_the_colour_of_its_value(dtype):
    """Input 5 of unit 2 is the row 1 and the column 2 of the tile at the lower left, for tiles of 3 columns."""
    kernel = np.zeros((9, 4), dtype=dtype)
    kernel[5, 2], kernel[0, 1], kernel[8, 3] = 2.0, -2.0, 0.5
    tiles = weights_of(kernel_tiles(kernel, (3, 3)), 4, 3, 3)
    expected = np.full((4, 3, 3), ZERO)
    expected[2, 1, 2], expected[1, 0, 0], expected[3, 2, 2] = RED, BLUE, ZERO + TONES // 4
    np.testing.assert_array_equal(tiles, expected)


def test_all_weights_of_a_lecture_sized_kernel():
    kernel = np.random.default_rng(1).normal(size=(784, 16))
    expected = ZERO + np.rint(kernel / np.abs(kernel).max() * TONES).T.reshape(16, 28, 28)
    np.testing.assert_array_equal(weights_of(kernel_tiles(kernel, (28, 28)), 16, 28, 28), expected)


@pytest.mark.parametrize(("shape", "scale"), [((28, 28), 3), ((20, 20), 4), ((50, 50), 1), ((10, 28), 4)])
def test_a_weight_is_a_square_of_equal_pixels(shape, scale):
    """Of 16 square tiles, each has 85 pixels; the flat ones lie in 6 rows of 56 pixels, 3 tiles of 114 in each."""
    kernel = np.zeros((math.prod(shape), 16))
    kernel[0, 0] = -1
    image = pixels(kernel_tiles(kernel, shape))[LINE:]  # without the colour bar
    ys, xs = np.nonzero(image == BLUE)
    assert len(ys) == scale**2
    assert (np.ptp(ys), np.ptp(xs)) == (scale - 1, scale - 1)


@pytest.mark.parametrize(
    "picture",
    [
        kernel_tiles(np.ones((784, 16)), (28, 28)),
        confusion_matrix(np.eye(10, dtype=int)),
        misclassified(np.ones((16, 28, 28)), np.zeros(16, int), np.ones(16, int), np.ones(16)),
        network(
            [np.ones((784, 16)), np.ones((16, 16)), np.ones((16, 10))], [np.ones(n) for n in (16, 16, 10)], (28, 28)
        ),
    ],
)
def test_pictures_of_the_lecture_are_as_wide_as_tensorboard_shows_them(picture):
    assert picture.width == 350


@pytest.mark.parametrize(
    ("largest", "text"),
    [(-1.2345, "± 1.23"), (0.00312, "± 3.1e-3"), (0.0, "± 0"), (np.nan, "± 0"), (54321.0, "± 5.4e4"), (7.0, "± 7")],
)
def test_scale_and_title_are_written(written, largest, text):
    kernel = np.zeros((4, 2))
    kernel[3, 1] = largest
    kernel_tiles(kernel, (2, 2), "hidden 1 gradient")
    assert written[:2] == ["hidden 1 gradient", text]


def test_text_can_be_seen():
    """Its twin without a title has no dark pixel at the upper left."""
    kernel = np.ones((4, 4))
    assert (pixels(kernel_tiles(kernel, (2, 2), "kernel"))[:LINE, :100] == BLACK).sum() > 20
    assert (pixels(kernel_tiles(kernel, (2, 2)))[:LINE, :100] == WHITE).all()


def test_text_lies_where_its_anchor_says():
    """The title begins at the left margin, the scale ends at the right one; both are halfway down their line."""
    image = pixels(kernel_tiles(np.ones((4, 4)), (2, 2), "HHH"))[:LINE]
    for text in (image[:, :100], image[:, WIDTH - 15 :]):
        ys = np.nonzero((text > WHITE) & (text <= BLACK))[0]
        assert (ys.min() + ys.max()) / 2 == pytest.approx(LINE // 2, abs=1.5)
    xs = np.nonzero(image != WHITE)[1]
    assert (xs.min(), xs.max()) == (pytest.approx(MARGIN, abs=2), pytest.approx(WIDTH - MARGIN, abs=4))


def test_zeros_are_neutral():
    assert (weights_of(kernel_tiles(np.zeros((9, 4)), (3, 3)), 4, 3, 3) == ZERO).all()


def test_what_is_not_finite_is_magenta_and_leaves_the_scale_alone(written):
    kernel = np.full((9, 4), 0.5)
    kernel[0, 0], kernel[4, 1], kernel[8, 2] = np.nan, np.inf, -np.inf
    tiles = weights_of(kernel_tiles(kernel, (3, 3)), 4, 3, 3)
    expected = np.full((4, 3, 3), RED)
    expected[0, 0, 0] = expected[1, 1, 1] = expected[2, 2, 2] = NOT_FINITE
    np.testing.assert_array_equal(tiles, expected)
    assert "± 0.5" in written


@pytest.mark.parametrize("extreme", [1e-320, 1e308])
def test_extreme_values_make_no_warning(extreme):
    kernel = np.array([[extreme, -extreme, 0, 0]])
    tiles = weights_of(kernel_tiles(kernel, (1, 1)), 4, 1, 1)
    assert tiles.ravel().tolist() == [RED, BLUE, ZERO, ZERO]


def test_of_many_units_the_64_of_largest_norm_are_shown_in_order(written):
    """Units 0 to 35 have the norm 1, the others 2, but for unit 7 of norm 9 and unit 8 with a NaN."""
    kernel = np.ones((1, 100))
    kernel[0, 36:], kernel[0, 7], kernel[0, 8] = -2, 9, np.nan
    tiles = weights_of(kernel_tiles(kernel, (1, 1)), 64, 1, 1, notes=1).ravel()
    assert tiles[:2].tolist() == [RED, NOT_FINITE]
    assert (tiles[2:] == ZERO + round(-2 / 9 * TONES)).all()
    assert "64 of 100 units: the largest norms" in written


def test_64_units_are_all_shown(written):
    kernel_tiles(np.ones((1, 64)), (1, 1))
    assert not any("64" in text for text in written)


@pytest.mark.parametrize(("units", "shape"), [(1, (28, 28)), (3, (1, 50)), (5, (50, 1)), (2, (900, 900))])
def test_odd_sizes_show_every_weight(units, shape):
    kernel = np.ones((math.prod(shape), units))
    picture = kernel_tiles(kernel, shape)
    assert picture.width >= WIDTH
    assert num_of(picture, RED) >= kernel.size


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((784,), r"kernel has shape \(784,\); expected \(inputs, units\)"),
        ((784, 0), r"kernel has shape \(784, 0\)"),
        ((16, 784), r"kernel has shape \(16, 784\); expected \(784, units\) for tiles of 28 x 28.*transposed"),
    ],
)
def test_a_kernel_that_does_not_fit_is_rejected(shape, message):
    with pytest.raises(ValueError, match=message):
        kernel_tiles(np.zeros(shape), (28, 28))


# --- confusion matrix ---------------------------------------------------------------------------------------------


def cell(picture, classes, true, predicted):
    """The colour of a cell, near its upper left corner, where no number is."""
    margin = 2 * LINE
    size = (WIDTH - margin - 1) // classes
    return int(pixels(picture)[margin + true * size + 2, margin + predicted * size + 2])


def test_cells_have_the_colour_of_their_share_of_the_row():
    """Row 0: 0.95 and 0.05 of 200; row 1: one half is wrong; row 2 has no sample."""
    counts = np.array([[190, 10, 0], [50, 50, 0], [0, 0, 0]])
    picture = confusion_matrix(counts)
    found = [[cell(picture, 3, i, j) for j in range(3)] for i in range(3)]
    one_twentieth = ZERO + math.ceil(READABLE * math.sqrt(0.05 / 0.1))
    assert found == [
        [ZERO - round(READABLE * 0.95), one_twentieth, ZERO],
        [ZERO + READABLE, ZERO - round(READABLE * 0.5), ZERO],
        [ZERO, ZERO, ZERO],
    ]


def test_one_error_among_very_many_has_another_colour_than_none():
    picture = confusion_matrix(np.array([[99_999, 1], [0, 100_000]]))
    assert cell(picture, 2, 0, 1) > ZERO
    assert cell(picture, 2, 1, 0) == ZERO


def test_true_classes_are_rows_and_numbers_lie_in_their_cells(written):
    counts = np.zeros((10, 10), dtype=np.int32)
    counts[4, 9], counts[0, 0] = 31, 1135
    picture = confusion_matrix(counts)
    assert written[:2] == ["predicted", "true"]
    assert written[2:] == [label for k in range(10) for label in (str(k), str(k))] + ["1135", "31"]
    top, left = 2 * LINE + 4 * 30, 2 * LINE + 9 * 30
    assert num_of_dark(pixels(picture)[top : top + 30, left : left + 30]) > 10
    assert num_of_dark(pixels(picture)[left : left + 30, top : top + 30]) == 0


@pytest.mark.parametrize("classes", [1, 2, 10, 26, 400])
def test_any_number_of_classes_is_drawn(classes, written):
    counts = np.eye(classes, dtype=int) * 5000
    picture = confusion_matrix(counts)
    assert picture.width == max(WIDTH, 2 * LINE + classes + 1)
    assert ("5000" in written) == (classes <= 10)
    assert num_of(picture, ZERO - READABLE) > 0


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.zeros((2, 3), dtype=int), r"counts have shape \(2, 3\); expected \(C, C\)"),
        (np.zeros((0, 0), dtype=int), r"counts have shape \(0, 0\)"),
        (np.zeros(4, dtype=int), r"counts have shape \(4,\)"),
        (np.zeros((2, 2)), "counts are float64; expected integers"),
        (np.array([[1, -3], [0, 1]]), "counts hold -3; expected none below 0"),
    ],
)
def test_counts_that_make_no_matrix_are_rejected(counts, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(counts)


# --- misclassified ------------------------------------------------------------------------------------------------


def digit(picture, k):
    """The colour at the upper left of the k-th digit of 28 x 28, which is 84 pixels wide."""
    left = (WIDTH - 4 * (84 + GAP)) // 2
    return int(pixels(picture)[LINE + k // 4 * (84 + LINE), left + k % 4 * (84 + GAP)])


def test_the_worst_come_first_with_their_classes(written):
    """Sample k has grey k / 32 and the cost k, but for sample 3, which is right, and sample 5, whose cost is a NaN."""
    n = 24
    images = np.ones((n, 28, 28), dtype=np.float32) * (np.arange(n) / (GREYS - 1))[:, np.newaxis, np.newaxis]
    true, predicted, cost = np.arange(n) % 10, np.arange(n) % 10 + 10, np.arange(n, dtype=float)
    predicted[3], cost[5] = true[3], np.nan
    picture = misclassified(images, true, predicted, cost)
    order = [5, *range(23, 8, -1)]
    assert [digit(picture, k) - WHITE for k in range(16)] == order
    assert written[:3] == ["16 of 23 wrong", "true", "predicted"]
    assert written[3:] == [label for k in order for label in (str(true[k]), str(predicted[k]))]


def test_what_is_right_is_not_shown(written):
    misclassified(np.zeros((3, 28, 28)), np.array([1, 2, 3]), np.array([1, 7, 3]), np.array([9.0, 0.1, 9.0]))
    assert written == ["1 of 1 wrong", "true", "predicted", "2", "7"]


@pytest.mark.parametrize("n", [0, 2])
def test_without_errors_it_says_so(n, written):
    picture = misclassified(np.zeros((n, 28, 28)), np.arange(n), np.arange(n), np.zeros(n))
    assert written == ["none misclassified"]
    assert picture.width == WIDTH


def test_ink_beyond_its_range_is_clipped_and_what_is_no_number_is_magenta():
    images = np.ones((4, 28, 28)) * np.array([-3, 7, np.nan, np.inf])[:, np.newaxis, np.newaxis]
    picture = misclassified(images, np.zeros(4, int), np.ones(4, int), np.array([4.0, 3.0, 2.0, 1.0]))
    assert [digit(picture, k) for k in range(4)] == [WHITE, BLACK, NOT_FINITE, NOT_FINITE]


def test_arrays_that_do_not_belong_together_are_rejected_all_at_once():
    with pytest.raises(ValueError, match=r"true has shape \(2,\); cost has shape \(3, 1\); expected \(3,\)"):
        misclassified(np.zeros((3, 28, 28)), np.zeros(2, int), np.zeros(3, int), np.zeros((3, 1)))


@pytest.mark.parametrize("shape", [(3, 784), (3, 0, 28)])
def test_images_without_rows_and_columns_are_rejected(shape):
    with pytest.raises(ValueError, match=r"images has shape .*; expected \(n, rows, columns\)"):
        misclassified(np.zeros(shape), np.zeros(3, int), np.ones(3, int), np.zeros(3))


# --- the network --------------------------------------------------------------------------------------------------


def gradients(*sizes, dtype="float64"):
    """Zeros for a network of these sizes: kernels and biases."""
    kernels = [np.zeros((before, after), dtype=dtype) for before, after in itertools.pairwise(sizes)]
    return kernels, [np.zeros(after, dtype=dtype) for after in sizes[1:]]


def without_bar(picture):
    """The picture without the last line, in which all colours are shown."""
    return picture.crop((0, 0, picture.width, picture.height - LINE))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_circles_have_the_colour_of_their_bias(dtype):
    """Two outputs, a quarter and three quarters down the 240 pixels, 40 from the right."""
    kernels, biases = gradients(4, 2, dtype=dtype)
    biases[0][:] = [0.2, -0.1]
    image = pixels(without_bar(network(kernels, biases, (2, 2))))
    for y, colour in ((60, RED), (180, ZERO - TONES // 2)):
        middle = np.argwhere(image == colour).mean(axis=0)
        assert middle.tolist() == [2 * LINE + y, WIDTH - 40]


def test_edges_have_the_colour_of_their_weight_and_zeros_are_not_drawn():
    """The only edge that is not zero goes from unit 0 of hidden 1 to unit 1 of the output, downwards."""
    kernels, biases = gradients(4, 2, 2)
    kernels[1][0, 1] = -3
    image = pixels(without_bar(network(kernels, biases, (2, 2))))
    ys, xs = np.nonzero(image == BLUE)
    downwards = np.polyfit(xs, ys, 1)[0]
    assert downwards == pytest.approx(120 / 130, rel=0.02)  # 120 pixels between the units, 130 between the layers
    assert len(xs) > 100


@pytest.mark.parametrize(("share", "drawn"), [(0.06, True), (0.04, False)])
def test_edges_under_a_twentieth_of_the_largest_are_left_out(share, drawn):
    kernels, biases = gradients(4, 2, 2)
    kernels[1][0, 0], kernels[1][1, 1] = 1, -share
    faint = num_of(without_bar(network(kernels, biases, (2, 2))), ZERO - round(share * TONES))
    assert (faint > 100) == drawn


def test_of_crossing_edges_the_strongest_lies_on_top():
    kernels, biases = gradients(4, 2, 2)
    kernels[1][:] = [[0, -1], [0.5, 0]]
    crossing = pixels(network(kernels, biases, (2, 2)))[2 * LINE + 120, 245]
    assert crossing == BLUE
    kernels[1][:] = [[0, -0.5], [1, 0]]
    crossing = pixels(network(kernels, biases, (2, 2)))[2 * LINE + 120, 245]
    assert crossing == RED


def test_the_input_picture_shows_the_norm_of_each_pixel():
    """Pixel 0 has the gradients 3 and 4, thus the norm 5; pixel 3 has 2.5 and 0; each is 42 pixels wide."""
    kernels, biases = gradients(4, 2)
    kernels[0][0], kernels[0][3] = [3, 4], [2.5, 0]
    image = pixels(network(kernels, biases, (2, 2)))
    y, x = 2 * LINE + 120, 50
    assert [int(image[y + i, x + j]) for i in (-21, 21) for j in (-21, 21)] == [BLACK, WHITE, WHITE, WHITE + GREYS // 2]


def test_edges_from_the_input_picture_have_the_norm_of_each_unit():
    """Unit 0 has the gradients 3 and 4, unit 1 has 2.5: black, and half as dark, at three quarters of the way."""
    kernels, biases = gradients(4, 2)
    kernels[0][:2, 0], kernels[0][0, 1] = [3, 4], 2.5
    image = pixels(network(kernels, biases, (2, 2)))
    middle = 2 * LINE + 120
    assert [int(image[middle + y, 245]) for y in (-45, 45)] == [BLACK, WHITE + GREYS // 2]


def test_names_sizes_and_scales_are_written(written):
    kernels, biases = gradients(784, 16, 30, 10)
    kernels[0][0, 0], kernels[1][0, 0], biases[2][0] = 0.0031, -2, 5e-7
    network(kernels, biases, (28, 28))
    assert written[:8] == ["input", "28 x 28", "hidden 1", "16", "hidden 2", "24 of 30", "output", "10"]
    assert written[8:10] == ["max dW", "max db"]
    assert written[10:16] == ["3.1e-3", "0", "2", "0", "0", "5.0e-7"]


def test_of_many_units_those_with_the_largest_gradient_are_shown(written):
    """The only bias that is not zero is one of 1,024; the others' weights have small gradients, drawn in blue."""
    kernels, biases = gradients(4, 1024, 1)
    kernels[0][:] = -1e-3
    biases[0][1000] = 1
    picture = network(kernels, biases)
    assert "24 of 1,024" in written
    assert num_of(without_bar(picture), RED) > 25


def test_the_scale_is_that_of_all_units_shown_or_not():
    """Unit 0 has the largest bias, but all others have weights of larger gradients."""
    kernels, biases = gradients(1, 30)
    kernels[0][0, 1:] = 100
    biases[0][0], biases[0][1:] = -1, -0.5
    image = pixels(network(kernels, biases))
    assert image[2 * LINE + 5, WIDTH - 40] == ZERO - TONES // 2  # the first of 24 circles, 10 pixels each


@pytest.mark.parametrize(
    ("sizes", "image_shape"),
    [
        ((1, 1), None),
        ((1, 1, 1), (1, 1)),
        ((784, 10), (28, 28)),
        ((784, 10), None),
        ((6, 5, 4, 3, 2, 3, 4), (2, 3)),
        ((90000, 2), (300, 300)),
    ],
)
@pytest.mark.parametrize("value", [0, 1, -1e-30, np.nan, np.inf])
def test_any_network_of_any_values_is_drawn(sizes, image_shape, value):
    kernels, biases = gradients(*sizes)
    for parameter in (*kernels, *biases):
        parameter[:] = value
    picture = network(kernels, biases, image_shape)
    assert picture.width == max(WIDTH, 85 * len(sizes))
    assert (num_of(picture, NOT_FINITE) > 0) == (not np.isfinite(value))


def test_one_value_that_is_not_finite_is_magenta_and_on_top():
    kernels, biases = gradients(784, 16, 16, 10)
    kernels[1][:] = 1
    kernels[1][3, 5] = np.nan
    assert num_of(network(kernels, biases, (28, 28)), NOT_FINITE) > 50


def test_gradients_that_make_no_network_are_rejected_all_at_once():
    kernels = [np.zeros((9, 3)), np.zeros((4, 2))]
    biases = [np.zeros(3), np.zeros(5)]
    expected = (
        r"kernel gradient 1 has shape \(4, 2\); expected \(3, units\); "
        r"bias gradient 1 has shape \(5,\); expected \(2,\); the first layer has 9 inputs; expected 4 for \(2, 2\)"
    )
    with pytest.raises(ValueError, match=expected):
        network(kernels, biases, (2, 2))


@pytest.mark.parametrize(
    ("kernels", "biases", "message"),
    [
        ([], [], "there are 0 kernel gradients and 0 bias gradients"),
        ([np.zeros((2, 2))], [], "there are 1 kernel gradients and 0 bias gradients"),
        ([np.zeros(2)], [np.zeros(2)], r"kernel gradient 0 has shape \(2,\); expected \(inputs, units\)"),
        ([np.zeros((2, 2))], [np.zeros((1, 2))], r"bias gradient 0 has shape \(1, 2\); expected \(units,\)"),
    ],
)
def test_gradients_of_wrong_number_are_rejected(kernels, biases, message):
    with pytest.raises(ValueError, match=message):
        network(kernels, biases)


# --- the sprite ---------------------------------------------------------------------------------------------------


def test_sprite_is_a_square_of_images_row_by_row():
    """Five images of 2 x 3 make three rows of three; ink is white, and the places left over are black."""
    images = np.zeros((5, 2, 3), dtype=np.float32)
    images[3, 1, 2], images[4, 0, 0], images[0, 0, 1] = 1, np.nan, 0.5
    found = pixels(sprite(images))
    expected = np.full((6, 9), BLACK)
    expected[2 + 1, 0 + 2] = WHITE  # image 3: the first of the second row
    expected[2, 3] = NOT_FINITE
    expected[0, 1] = WHITE + GREYS // 2
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("n", "side"), [(1, 1), (2, 2), (4, 2), (5, 3), (100, 10)])
def test_sprite_has_the_smallest_square_that_holds_all(n, side):
    assert sprite(np.zeros((n, 4, 2))).size == (2 * side, 4 * side)


def test_sprites_that_the_projector_cannot_take_are_rejected():
    assert sprite(np.zeros((4, 4096, 1))).height == 8192
    with pytest.raises(ValueError, match=r"5 images of 4096 x 1 make a sprite 12,288 pixels long.*show at most 4"):
        sprite(np.zeros((5, 4096, 1)))


@pytest.mark.parametrize("shape", [(0, 28, 28), (5, 784)])
def test_what_is_no_image_is_rejected(shape):
    with pytest.raises(ValueError, match=r"images has shape .*; expected \(n, rows, columns\)"):
        sprite(np.zeros(shape))
