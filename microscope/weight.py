"""The chain rule of one weight, written out: for each image of a batch, and along the paths of one of them.

The gradient of the weight w_jk, from unit k to unit j of a layer, is the mean over the batch of

    dC/da_j * da_j/dz_j * dz_j/dw_jk

The factors come from `backprop.factors`, out of the backward pass itself. Beside the gradient they give, it is derived
without any chain rule: by a complex step of this one weight. Each factor on the way has a complex step of its own, of
the function whose slope it is, so that a wrong one is found.

All is computed in float64, from pieces of the batch, so that one of 60,000 images does not fill the memory.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from backprop.compare import tolerance_for
from backprop.factors import Factors, backward_with_factors
from backprop.functions import Array
from backprop.network import Arrays, Network, batch_cost, forward
from backprop.rounding import rounding_errors

TOLERANCE = tolerance_for(np.dtype(np.float64))
"""The largest relative difference between two derivations that counts as agreement."""

COMPLEX_STEP = 1e-30
REAL_STEP = 1e-5
"""The steps of `backprop.numeric`: along the imaginary axis, and for central differences."""

NUMBERS_AT_ONCE = 2**21
"""How many numbers an array may have, samples times units, while a batch is worked on: 16 MiB."""


class ManualModuleError(Exception):
    """The backward pass stops, or gives an array of a wrong shape: there are no factors to show."""

    def __str__(self) -> str:
        return f"the manual module cannot give this gradient: {super().__str__()}"


@dataclass(frozen=True)
class Weight:
    """Which parameter. Everything is counted from 0.

    Attributes:
        layer: l, the first layer after the input is 0.
        unit: j, of this layer.
        input: k, unit of the layer before, or pixel; None for the bias of unit j.
    """

    layer: int
    unit: int
    input: int | None

    def of(self, kernels: Arrays, biases: Arrays) -> float:
        """Its entry in the parameters, or in their gradients."""
        return float(biases[self.layer][self.unit] if self.input is None else kernels[self.layer][self._index])

    def moved(self, W: Arrays, b: Arrays, step: complex) -> tuple[list[Array], list[Array]]:
        """The parameters `(W, b)` with this one moved; the arrays passed in stay as they are."""
        W, b = list(W), list(b)
        which = b if self.input is None else W
        which[self.layer] = _moved(which[self.layer], self._index, step)
        return W, b

    @property
    def _index(self) -> tuple[int, ...]:
        return (self.unit,) if self.input is None else (self.input, self.unit)


@dataclass(frozen=True)
class Units:
    """The units i of one layer, for one image, and the paths from unit j of the layer before through them to the cost.

    Attributes:
        layer: theirs.
        a: float64 (n,), activations.
        y: float64 (n,), targets; None for a hidden layer.
        dC_da, da_dz, delta: float64 (n,), factors by the names of `backprop.network`.
        unit_before: j; None where the weight itself belongs to this layer, and no path goes on.
        w: float64 (n,), dz_i/da_j, the weights from unit j; None without a path.
        paths: float64 (n,), delta_i w_ij, whose sum is dC/da_j; None without a path.
    """

    layer: int
    a: Array
    y: Array | None
    dC_da: Array
    da_dz: Array
    delta: Array
    unit_before: int | None
    w: Array | None
    paths: Array | None


@dataclass(frozen=True)
class Factor:
    """One factor for one image, and the same by a complex step of the function whose slope it is.

    Attributes:
        layer: to which it belongs.
        symbol: such as "dC/da_7".
        function: what computes it in `backprop.network`.
        value: the backward pass's.
        by_complex_step: found without the chain rule.
        shape: of the whole array of which it is an entry, for all images of the batch.
    """

    layer: int
    symbol: str
    function: str
    value: float
    by_complex_step: float
    shape: tuple[int, ...]

    @property
    def difference(self) -> float:
        """Of the two, relative to the complex step's."""
        return _relative(self.value, self.by_complex_step)

    @property
    def is_right(self) -> bool:
        """Whether both are equal but for rounding. Saturated units leave few digits, so more is let pass."""
        return self.difference <= 1e-6


@dataclass(frozen=True)
class Derivation:
    """The derivative, found in one way.

    Attributes:
        name: of the way.
        value: the derivative.
        difference: from the complex step's, relative to it; inf where that is 0, and this is not.
        agrees: whether this is within the tolerance, or within what rounding accounts for; None where it need not be:
            of central differences.
        is_reference: whether it is the complex step's own.
    """

    name: str
    value: float
    difference: float
    agrees: bool | None
    is_reference: bool = False


@dataclass(frozen=True)
class Explanation:
    """The chain rule of one weight for a batch, and for one of its images in detail.

    Attributes:
        weight: which.
        value: the weight's own.
        cost: C, the mean over the batch.
        outputs: float64 (B, n_L), the network's answers.
        dC_da, da_dz, dz_dw: float64 (B,), the three factors; of a bias, dz_dw is dz/db.
        product: float64 (B,), of the three.
        mean: of the products over the batch: the gradient, by hand.
        detailed: row in the batch of the image that the following is about: the one with the largest product.
        layers: tables of its units, from the output to the layer after the weight's; the output's own where the weight
            is there.
        factors: of its way from the cost to the weight, along the path that carries most: dC/da, da/dz, delta and
            dz/da of each layer; the last four are the weight's own, with dz/dw in dz/da's place.
        derivations: the gradient in several ways.
        rounding: how far rounding alone may part two of them, as a number; 0 where nobody had to ask.
    """

    weight: Weight
    value: float
    cost: float
    outputs: Array
    dC_da: Array
    da_dz: Array
    dz_dw: Array
    product: Array
    mean: float
    detailed: int
    layers: tuple[Units, ...]
    factors: tuple[Factor, ...]
    derivations: tuple[Derivation, ...]
    rounding: float

    @property
    def agrees(self) -> bool:
        """Whether all derivations that must agree do."""
        return all(one.agrees for one in self.derivations if one.agrees is not None)

    @property
    def largest_difference(self) -> float:
        """Of the derivations that must agree."""
        return max(one.difference for one in self.derivations if one.agrees is not None)

    @property
    def first_wrong(self) -> Factor | None:
        """The first factor, seen from the cost, that its complex step contradicts."""
        return next((factor for factor in self.factors if not factor.is_right), None)


def explain_weight(
    network: Network, W: Arrays, b: Arrays, x: Array, y: Array, weight: Weight, tape: float
) -> Explanation:
    """Write out the chain rule of one weight, and derive its gradient in several ways.

    Args:
        network: activations, cost and the chain rule's factors.
        W, b: float64 kernels (n_l, n_l+1) and biases (n_l+1,).
        x: inputs (B, n_0), float32 or float64.
        y: targets (B, n_L), float32 or float64.
        weight: which.
        tape: its gradient by `models.tape`.

    Raises:
        ManualModuleError: where the backward pass gives no factors.

    Example, the lecture's chain with one unit a layer, as in `backprop.network.backward`:
        >>> chain = Network.from_names(["sigmoid", "sigmoid"], "squared-error")
        >>> W, b = [np.array([[2.0]]), np.array([[-1.0]])], [np.array([0.0]), np.array([0.5])]
        >>> x, y = np.array([[0.0]]), np.array([[1.0]])
        >>> found = explain_weight(chain, W, b, x, y, Weight(layer=1, unit=0, input=0), tape=-0.125)
        >>> found.dC_da, found.da_dz, found.dz_dw  # 2 (a - y), s'(0), a of the layer before
        (array([-1.]), array([0.25]), array([0.5]))
        >>> found.mean, found.agrees
        (-0.125, True)
    """
    with np.errstate(all="ignore"):  # what is not finite agrees with nothing, and is shown
        parts = [_part_of_batch(network, W, b, *piece, weight) for piece in pieces(W, x, y)]
        outputs, dC_da, da_dz, dz_dw = (np.concatenate([part[i] for part in parts]) for i in range(4))
        product = dC_da * da_dz * dz_dw  # (B,)
        derivations, rounding = _derivations(network, W, b, x, y, weight, tape, float(product.mean()))
        detailed = int(np.argmax(np.abs(product)))
        layers, factors = _one_image(network, W, b, x, y, weight, detailed)
        [cost] = mean_over_pieces(lambda x, y: [_cost(network, W, b, x, y)], W, x, y)
    return Explanation(
        weight=weight,
        value=weight.of(W, b),
        cost=float(cost),
        outputs=outputs,
        dC_da=dC_da,
        da_dz=da_dz,
        dz_dw=dz_dw,
        product=product,
        mean=float(product.mean()),
        detailed=detailed,
        layers=tuple(layers),
        factors=tuple(factors),
        derivations=tuple(derivations),
        rounding=rounding,
    )


# --- the batch, in pieces ---------------------------------------------------------------------------------------


def pieces(W: Arrays, x: Array, y: Array) -> Iterator[tuple[Array, Array]]:
    """The batch, in float64, at most so many samples at once that no layer has more than `NUMBERS_AT_ONCE`."""
    at_once = max(1, NUMBERS_AT_ONCE // max(max(kernel.shape) for kernel in W))
    for first in range(0, len(x), at_once):
        rows = slice(first, first + at_once)
        yield x[rows].astype(np.float64), y[rows].astype(np.float64)


def mean_over_pieces(mean: Callable[[Array, Array], list[Array]], W: Arrays, x: Array, y: Array) -> list[Array]:
    """Means over the batch, from those over its pieces.

    Args:
        mean: from inputs and targets of a piece to arrays, each a mean over the piece.
        W: kernels, whose sizes say how large a piece may be.
        x, y: the batch.

    Returns:
        As from `mean`, over the whole batch.
    """
    totals: list[Array] = []
    for x_piece, y_piece in pieces(W, x, y):
        share = len(x_piece) / len(x)
        parts = [share * array for array in mean(x_piece, y_piece)]
        totals = [t + p for t, p in zip(totals, parts, strict=True)] if totals else parts
    return totals


def _part_of_batch(
    network: Network, W: Arrays, b: Arrays, x: Array, y: Array, weight: Weight
) -> tuple[Array, Array, Array, Array]:
    """Outputs (B, n_L), and the three factors (B,) each."""
    z, a = forward(network, W, b, x)
    of_layer = _backward(network, W, b, z, a, y)[weight.layer]
    dz_dw = of_layer.dz_db[:, 0] if weight.input is None else of_layer.dz_dW[:, weight.input]
    return a[-1], of_layer.dC_da[:, weight.unit], of_layer.da_dz[:, weight.unit], dz_dw


def _backward(network: Network, W: Arrays, b: Arrays, z: Arrays, a: Arrays, y: Array) -> list[Factors]:
    """The factors of all layers.

    Raises:
        ManualModuleError: where a rule stops, or gives an array of another shape than it should.
    """
    try:
        found = backward_with_factors(network, W, b, z, a, y)
    except ValueError as error:
        raise ManualModuleError(f"the backward pass stops: {error}") from error
    for l, of_layer in reversed(list(enumerate(found))):
        per_unit = z[l].shape  # (B, n_l+1)
        slope = "cost_slope" if l == len(W) - 1 else "sum_over_paths"
        for function, array, shape in (
            (slope, of_layer.dC_da, per_unit),
            ("activation_slope", of_layer.da_dz, per_unit),
            ("unit_error", of_layer.delta, per_unit),
            ("kernel_slope", of_layer.dz_dW, a[l].shape),
            ("bias_slope", of_layer.dz_db, (len(y), 1)),
            ("input_slope", of_layer.dz_da, W[l].shape),
            ("kernel_gradient", of_layer.dW, W[l].shape),
            ("bias_gradient", of_layer.db, b[l].shape),
        ):
            if array is not None and np.shape(array) != shape:
                raise ManualModuleError(
                    f"{function} of layer {l}, from 0, gives shape {np.shape(array)}; expected {shape}"
                )
    return found


# --- the derivations --------------------------------------------------------------------------------------------


def _derivations(
    network: Network, W: Arrays, b: Arrays, x: Array, y: Array, weight: Weight, tape: float, by_factors: float
) -> tuple[list[Derivation], float]:
    """The derivative in five ways, and how far rounding may part them."""

    def manual(x: Array, y: Array) -> list[Array]:
        z, a = forward(network, W, b, x)
        of_layer = _backward(network, W, b, z, a, y)[weight.layer]
        return [of_layer.db[weight.unit] if weight.input is None else of_layer.dW[weight.input, weight.unit]]

    def cost_moved_by(step: complex) -> Array:
        moved = weight.moved(W, b, step)
        [cost] = mean_over_pieces(lambda x, y: [_cost(network, *moved, x, y)], W, x, y)
        return cost

    [backward] = mean_over_pieces(manual, W, x, y)
    exact = float(cost_moved_by(1j * COMPLEX_STEP).imag / COMPLEX_STEP)
    central = float((cost_moved_by(REAL_STEP) - cost_moved_by(-REAL_STEP)) / (2 * REAL_STEP))
    ways = [
        ("the factors' product", by_factors),
        ("backprop.backward", float(backward)),
        ("TensorFlow's tape", float(tape)),
    ]
    rounding = 0.0
    if not all(abs(value - exact) <= TOLERANCE * abs(exact) for _, value in ways):
        [of_pieces] = mean_over_pieces(lambda x, y: [_rounding(network, W, b, x, y, weight)], W, x, y)
        rounding = float(of_pieces)
    allowed = max(TOLERANCE * abs(exact), rounding)
    return [
        *(Derivation(name, value, _relative(value, exact), abs(value - exact) <= allowed) for name, value in ways),
        Derivation("complex step, h = 1e-30", exact, 0.0, bool(np.isfinite(exact)), is_reference=True),
        Derivation("central differences, h = 1e-5", central, _relative(central, exact), None),
    ], rounding


def _cost(network: Network, W: Arrays, b: Arrays, x: Array, y: Array) -> Array:
    """The mean cost of the samples: a forward pass and nothing else."""
    return batch_cost(network, forward(network, W, b, x)[1][-1], y)


def _rounding(network: Network, W: Arrays, b: Arrays, x: Array, y: Array, weight: Weight) -> Array:
    z, a = forward(network, W, b, x)
    errors = rounding_errors(network, W, b, z, a, y, np.float64)
    return np.array(weight.of(errors.dW, errors.db) + weight.of(errors.dW_kinks, errors.db_kinks))


def _relative(value: float, reference: float) -> float:
    if value == reference:
        return 0.0
    return abs(value - reference) / abs(reference) if reference != 0 else np.inf


# --- one image --------------------------------------------------------------------------------------------------


def _one_image(
    network: Network, W: Arrays, b: Arrays, x: Array, y: Array, weight: Weight, row: int
) -> tuple[list[Units], list[Factor]]:
    """The way from the cost to the weight: tables of the layers between, and each factor with its complex step.

    Args:
        network, W, b, x, y, weight: as for `explain_weight`.
        row: of the image in the batch.
    """
    num_images, x, y = len(x), x[[row]].astype(np.float64), y[[row]].astype(np.float64)  # (1, n_0), (1, n_L)
    z, a = forward(network, W, b, x)
    found = _backward(network, W, b, z, a, y)
    path = {weight.layer: weight.unit}  # the unit of each layer through which most of the slope comes
    for l in range(weight.layer + 1, len(W)):
        path[l] = int(np.argmax(np.abs(found[l].delta[0] * _from_unit(found[l], path[l - 1]))))
    layers, factors = [], []
    step = _ComplexSteps(network, W, b, y, z, a)
    for l in reversed(path):
        if l > weight.layer or l == len(W) - 1:
            layers.append(_units(found[l], l, a[l + 1], y if l == len(W) - 1 else None, path.get(l - 1)))
        factors += _factors(found[l], l, path, weight, step, num_images)
    return layers, factors


def _from_unit(of_layer: Factors, unit: int) -> Array:
    """dz_i/da_j for all units i of a layer that is not the first: (n,)."""
    if of_layer.dz_da is None:
        raise ValueError("the first layer has no dz/da: its inputs are not learned")
    return of_layer.dz_da[unit]


def _units(of_layer: Factors, l: int, a: Array, y: Array | None, unit_before: int | None) -> Units:
    w = None if unit_before is None else _from_unit(of_layer, unit_before)
    return Units(
        layer=l,
        a=a[0],
        y=None if y is None else y[0],
        dC_da=of_layer.dC_da[0],
        da_dz=of_layer.da_dz[0],
        delta=of_layer.delta[0],
        unit_before=unit_before,
        w=w,
        paths=None if w is None else of_layer.delta[0] * w,
    )


def _factors(
    of_layer: Factors, l: int, path: dict[int, int], weight: Weight, step: "_ComplexSteps", num_images: int
) -> list[Factor]:
    """The factors of the layer's unit on the path."""
    j, is_last = path[l], l == len(step.W) - 1

    def factor(symbol: str, function: str, array: Array, index: tuple[int, int], exact: float) -> Factor:
        shape = array.shape if function == "input_slope" else (num_images, *array.shape[1:])
        return Factor(l, symbol, function, float(array[index]), exact, shape)

    slope = "cost_slope" if is_last else "sum_over_paths"
    factors = [
        factor(f"dC/da_{j}", slope, of_layer.dC_da, (0, j), step.dC_da(l, j)),
        factor(f"da_{j}/dz_{j}", "activation_slope", of_layer.da_dz, (0, j), step.da_dz(l, j)),
        factor(f"delta_{j}", "unit_error", of_layer.delta, (0, j), step.delta(l, j)),
    ]
    if l > weight.layer:
        k = path[l - 1]
        dz_da = np.asarray(of_layer.dz_da)
        factors.append(factor(f"dz_{j}/da_{k}", "input_slope", dz_da, (k, j), step.dz_da(l, j, k)))
    elif weight.input is None:
        factors.append(factor(f"dz_{j}/db_{j}", "bias_slope", of_layer.dz_db, (0, 0), step.dz_dw(weight)))
    else:
        index = (0, weight.input)
        symbol = f"dz_{j}/dw_{j},{weight.input}"
        factors.append(factor(symbol, "kernel_slope", of_layer.dz_dW, index, step.dz_dw(weight)))
    return factors


def _moved(array: Array, index: tuple[int, ...], step: complex) -> Array:
    """A copy with one entry moved; complex where the step is."""
    copy = array.astype(np.result_type(array.dtype, type(step)))
    copy[index] += step
    return copy


@dataclass(frozen=True)
class _ComplexSteps:
    """Each factor for one image by a complex step of the function whose slope it is: no factor knows of another.

    Attributes:
        network, W, b, y, z, a: as `backprop.network.Pass` has them, with one sample.
    """

    network: Network
    W: Arrays
    b: Arrays
    y: Array
    z: Arrays
    a: Arrays

    def dC_da(self, l: int, j: int) -> float:
        """How the cost follows the activation of unit j of layer l."""
        return _slope(self._cost_after(l, self._step(self.a[l + 1], j)))

    def delta(self, l: int, j: int) -> float:
        """How the cost follows its weighted input z."""
        return _slope(self._cost_after(l, self.network.activations[l].function(self._step(self.z[l], j))))

    def da_dz(self, l: int, j: int) -> float:
        """How its activation follows z."""
        return _slope(self.network.activations[l].function(self._step(self.z[l], j))[0, j])

    def dz_da(self, l: int, j: int, k: int) -> float:
        """How z follows the activation of unit k of the layer before."""
        return _slope(self.network.rule.weighted_input(self._step(self.a[l], k), self.W[l], self.b[l])[0, j])

    def dz_dw(self, weight: Weight) -> float:
        """How z follows the weight, or the bias."""
        l = weight.layer
        W, b = weight.moved(self.W, self.b, 1j * COMPLEX_STEP)
        return _slope(self.network.rule.weighted_input(self.a[l], W[l], b[l])[0, weight.unit])

    def _cost_after(self, l: int, a: Array) -> Array:
        """The cost where the activations a leave layer l."""
        rest = dataclasses.replace(self.network, activations=self.network.activations[l + 1 :])
        return _cost(rest, self.W[l + 1 :], self.b[l + 1 :], a, self.y)

    def _step(self, array: Array, j: int) -> Array:
        return _moved(array, (0, j), 1j * COMPLEX_STEP)


def _slope(moved: Array) -> float:
    return float(moved.imag / COMPLEX_STEP)
