"""One weight's chain rule: against numbers worked by hand, a complex step of the whole gradient, and the tape."""

import dataclasses
import itertools
import re

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from rich.console import Console

import microscope.weight
from backprop import ChainRule, Network
from backprop import network as right
from backprop.functions import sigmoid
from backprop.numeric import complex_step, cost_of_parameters
from microscope.report import Subject, number, print_report
from microscope.weight import Weight, explain_weight
from models.losses import build_loss
from models.mlp import build_mlp
from models.tape import tape_gradients
from tests.made import random_problem


def every_weight(W):
    """All weights and biases of a network, the biases last in each layer."""
    for l, kernel in enumerate(W):
        for k, j in itertools.product((*range(kernel.shape[0]), None), range(kernel.shape[1])):
            yield Weight(l, j, k)


def exact_gradients(p):
    """`(dW, db)` by complex steps of all parameters."""
    gradients = complex_step(cost_of_parameters(p.network, p.x, p.y), [*p.W, *p.b])
    return gradients[: len(p.W)], gradients[len(p.W) :]


def explain(p, weight, tape=None, rule=None):
    """The explanation of a weight of a problem; the tape's value is taken from complex steps unless given."""
    network = p.network if rule is None else dataclasses.replace(p.network, rule=rule)
    tape = weight.of(*exact_gradients(p)) if tape is None else tape
    return explain_weight(network, p.W, p.b, p.x, p.y, weight, tape)


def subject_of(p, **changes):
    sizes = (p.x.shape[1], *(len(b) for b in p.b))
    layers = (*(f"hidden_{i}" for i in range(1, len(p.b))), "output")
    known = {
        "folder": "logs/20260101-000000",
        "weights": "trained",
        "sizes": sizes,
        "layers": layers,
        "activation": p.network.activations[0].name,
        "cost": p.network.cost.name,
        "chosen_among": "",
        "set": "train",
        "images": np.arange(len(p.x)) + 100,
        "is_first_batch": False,
        "digits": p.y.argmax(axis=1),
    }
    return Subject(**known | changes)


def report(p, explanation, **changes):
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        print_report(console, subject_of(p, **changes), explanation)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


# --- by hand ----------------------------------------------------------------------------------------------------


def test_the_chain_of_one_unit_a_layer_by_hand():
    """x = 1, z = 0.5 * 1 + 0 = 0.5 and a = z; then z = 2 * 0.5 - 1 = 0, a = s(0) = 0.5; the target is 1."""
    chain = Network.from_names(["linear", "sigmoid"], "squared-error")
    W, b = [np.array([[0.5]]), np.array([[2.0]])], [np.array([0.0]), np.array([-1.0])]
    x, y = np.array([[1.0]]), np.array([[1.0]])

    last = explain_weight(chain, W, b, x, y, Weight(1, 0, 0), tape=-0.125)
    # dC/da = 2 (0.5 - 1) = -1; da/dz = 0.5 (1 - 0.5) = 0.25; dz/dw = a of the layer before = 0.5
    assert (last.dC_da, last.da_dz, last.dz_dw, last.mean) == (-1.0, 0.25, 0.5, -0.125)
    assert (last.value, last.cost, last.agrees) == (2.0, 0.25, True)

    first = explain_weight(chain, W, b, x, y, Weight(0, 0, 0), tape=-0.5)
    # dC/da = delta w = -0.25 * 2 = -0.5; da/dz = 1; dz/dw = x = 1
    assert (first.dC_da, first.da_dz, first.dz_dw, first.mean) == (-0.5, 1.0, 1.0, -0.5)
    [output] = first.layers
    assert (output.delta, output.w, output.paths) == (-0.25, 2.0, -0.5)
    assert first.agrees

    bias = explain_weight(chain, W, b, x, y, Weight(1, 0, None), tape=-0.25)
    assert (bias.dC_da, bias.da_dz, bias.dz_dw, bias.mean, bias.value) == (-1.0, 0.25, 1.0, -0.25, -1.0)


def test_two_paths_by_hand():
    """a = 0.5 goes on to outputs 2 * 0.5 = 1 and -1 * 0.5 = -0.5; the targets are 0 and 0.5."""
    fork = Network.from_names(["linear", "linear"], "squared-error")
    W, b = [np.array([[0.5]]), np.array([[2.0, -1.0]])], [np.zeros(1), np.zeros(2)]
    found = explain_weight(fork, W, b, np.array([[1.0]]), np.array([[0.0, 0.5]]), Weight(0, 0, 0), tape=6.0)
    [output] = found.layers
    assert output.dC_da.tolist() == [2.0, -2.0]  # 2 (1 - 0), 2 (-0.5 - 0.5)
    assert output.paths.tolist() == [4.0, 2.0]  # 2 * 2, -2 * -1
    assert found.mean == 6.0
    assert found.agrees
    assert not explain_weight(fork, W, b, np.array([[1.0]]), np.array([[0.0, 0.5]]), Weight(0, 0, 0), tape=-6.0).agrees


# --- against the other derivations ------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize("sizes", [(3, 2), (4, 3, 2), (3, 4, 2, 3)], ids=str)
def test_every_weight_against_complex_steps_of_the_whole_gradient(sizes, activation, cost):
    p = random_problem(sizes, batch_size=5, activation=activation, cost=cost, seed=3)
    dW, db = exact_gradients(p)
    for weight in every_weight(p.W):
        found = explain(p, weight, tape=weight.of(dW, db))
        exact = weight.of(dW, db)
        np.testing.assert_allclose(found.mean, exact, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose([one.value for one in found.derivations[:4]], exact, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(found.derivations[4].value, exact, rtol=1e-6, atol=1e-9)
        assert found.agrees
        assert found.first_wrong is None


@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_tape_agrees_and_one_of_other_data_does_not(activation, cost):
    p = random_problem((6, 5, 4, 3), activation=activation, cost=cost, seed=1)
    model = build_mlp(6, (5, 4), 3, activation, p.network.activations[-1].name, "float64")
    model.compile(loss=build_loss(cost, "float64"))
    model.set_weights([array for pair in zip(p.W, p.b, strict=True) for array in pair])
    dW, db = tape_gradients(model, p.x, p.y)
    for gradients, exact in zip((dW, db), exact_gradients(p), strict=True):
        assert [g.dtype for g in gradients] == [np.float64] * 3
        for g, r in zip(gradients, exact, strict=True):
            np.testing.assert_allclose(g, r, rtol=1e-10, atol=1e-14)
    weight = Weight(1, int(np.abs(dW[1]).max(axis=0).argmax()), int(np.abs(dW[1]).max(axis=1).argmax()))
    assert explain(p, weight, tape=weight.of(dW, db)).agrees
    others = tape_gradients(model, p.x + 1e-6, p.y)
    assert not explain(p, weight, tape=weight.of(*others)).agrees


def test_a_tape_that_differs_is_the_one_that_is_marked():
    p = random_problem()
    weight = Weight(1, 2, 3)
    found = explain(p, weight, tape=weight.of(*exact_gradients(p)) * (1 + 1e-11))
    assert [one.name for one in found.derivations if one.agrees is False] == ["TensorFlow's tape"]
    assert found.derivations[2].difference == pytest.approx(1e-11, rel=0.01)
    assert not found.agrees
    text = report(p, found)
    assert re.search(r"TensorFlow's tape .* 1\.0e-11  DIFFERS", text)
    assert "They DISAGREE: the largest difference is 1.0e-11" in text
    assert "Each factor of this image is right" in text


# --- a wrong rule -----------------------------------------------------------------------------------------------

WRONG_RULES = {
    "cost_slope": lambda p: p.a[-1] - p.y,
    "activation_slope": lambda p, l: sigmoid(p.z[l]),
    "kernel_slope": lambda p, l: p.a[l] ** 2,
    "input_slope": lambda p, l: p.W[l] + 0.1,
    "unit_error": lambda p, l, dC_da, da_dz: dC_da,
    "sum_over_paths": lambda p, l, delta, dz_da: -right.sum_over_paths(p, l, delta, dz_da),
}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_factor_makes_the_derivations_disagree_and_is_named(name):
    p = random_problem()
    weight = Weight(1, 2, 3)
    found = explain(p, weight, rule=ChainRule(**{name: WRONG_RULES[name]}))
    assert not found.agrees
    assert found.first_wrong.function == name
    text = " ".join(report(p, found).split())
    assert "They DISAGREE" in text
    assert f"by {name}: " in text
    assert "They agree" not in text


@pytest.mark.parametrize(
    ("name", "wrong", "input"),
    [
        ("kernel_gradient", lambda p, l, delta, dz_dW: 1.15 * right.kernel_gradient(p, l, delta, dz_dW), 3),
        ("bias_gradient", lambda p, l, delta, dz_db: 1.15 * right.bias_gradient(p, l, delta, dz_db), None),
        ("average", lambda p, total: total, 3),
        ("average", lambda p, total: total, None),
    ],
)
def test_factors_put_together_wrongly_are_told_from_wrong_factors(name, wrong, input):
    p = random_problem()
    found = explain(p, Weight(1, 2, input), rule=ChainRule(**{name: wrong}))
    assert not found.agrees
    assert found.first_wrong is None
    by_factors, backward, tape, *_ = found.derivations
    assert (by_factors.agrees, backward.agrees, tape.agrees) == (True, False, True)
    text = " ".join(report(p, found).split())
    rule = "bias_gradient" if input is None else "kernel_gradient"
    assert f"Each factor of this image is right: they are put together wrongly, in {rule} or average." in text


def test_a_wrong_bias_slope_is_named_for_a_bias_and_no_matter_for_a_weight():
    p = random_problem()
    rule = ChainRule(bias_slope=lambda p, l: 2 * right.bias_slope(p, l))
    assert explain(p, Weight(1, 2, None), rule=rule).first_wrong.function == "bias_slope"
    assert explain(p, Weight(1, 2, 3), rule=rule).agrees


# --- rounding, zeros, what is no number -------------------------------------------------------------------------


def saturated():
    """A unit whose s is 1 but for 1e-11: s (1 - s) keeps five digits of the slope that a complex step has whole."""
    network = Network.from_names(["sigmoid", "linear"], "squared-error")
    W, b = [np.array([[25.3]]), np.array([[1.0]])], [np.zeros(1), np.zeros(1)]
    return network, W, b, np.array([[1.0]]), np.array([[0.3]])


def test_what_rounding_accounts_for_is_no_disagreement():
    exact = 2 * (1 - 0.3) * np.exp(-25.3)  # to 1e-11: 2 (a - y) w s'(z) x, with s' = e^-z
    found = explain_weight(*saturated(), Weight(0, 0, 0), tape=exact)
    assert found.derivations[1].difference > microscope.weight.TOLERANCE
    assert found.rounding > 0
    assert found.agrees


def test_rounding_does_not_account_for_a_mistake():
    exact = 2 * (1 - 0.3) * np.exp(-25.3)
    for tape in (-exact, 1.01 * exact, 0.0):
        assert not explain_weight(*saturated(), Weight(0, 0, 0), tape=tape).agrees


def test_a_gradient_of_zero_agrees_with_zero_only():
    p = random_problem((4, 3, 2), activation="relu", output_activation="linear")
    p.b[0][1] = -1000.0  # off for every image
    found = explain(p, Weight(0, 1, 2), tape=0.0)
    assert found.mean == 0
    assert found.agrees
    assert all(one.difference == 0 for one in found.derivations)
    wrong = explain(p, Weight(0, 1, 2), tape=1e-9)
    assert not wrong.agrees
    assert wrong.largest_difference == np.inf


def test_what_is_no_number_does_not_agree():
    p = random_problem()
    p.W[1][0, 0] = np.nan
    found = explain_weight(p.network, p.W, p.b, p.x, p.y, Weight(0, 1, 2), tape=float("nan"))
    assert not found.agrees
    assert "DISAGREE" in report(p, found)


# --- pieces of a batch ------------------------------------------------------------------------------------------


def test_a_batch_in_pieces_is_the_same_batch(monkeypatch):
    p = random_problem(batch_size=11)
    weight = Weight(1, 2, 3)
    whole = explain(p, weight)
    monkeypatch.setattr(microscope.weight, "NUMBERS_AT_ONCE", 7 * 4)  # four images at once, then three
    assert [len(x) for x, _ in microscope.weight.pieces(p.W, p.x, p.y)] == [4, 4, 3]
    parts = explain(p, weight)
    np.testing.assert_allclose(parts.product, whole.product, rtol=1e-14)
    for one, other in zip(parts.derivations, whole.derivations, strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-8 if one.agrees is None else 1e-13)
    assert parts.cost == pytest.approx(whole.cost, rel=1e-14)
    assert parts.agrees


def test_nothing_that_is_handed_in_is_changed():
    p = random_problem()
    before = [array.copy() for array in (*p.W, *p.b, p.x, p.y)]
    explain(p, Weight(1, 2, 3))
    explain(p, Weight(1, 2, None))
    for array, copy in zip((*p.W, *p.b, p.x, p.y), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- the paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", range(9))
def test_the_paths_of_each_table_add_up_to_the_slope_in_the_next(unit):
    p = random_problem((5, 9, 8, 7, 3), seed=2)
    found = explain(p, Weight(0, unit, 1))
    output, third, second = found.layers
    np.testing.assert_allclose(output.paths.sum(), third.dC_da[output.unit_before], rtol=1e-12)
    np.testing.assert_allclose(third.paths.sum(), second.dC_da[third.unit_before], rtol=1e-12)
    np.testing.assert_allclose(second.paths.sum(), found.dC_da[found.detailed], rtol=1e-12)
    assert second.unit_before == unit
    for table, after in ((second, third), (third, output)):  # the path goes on where most comes from
        assert after.unit_before == np.abs(table.paths).argmax()


@pytest.mark.parametrize("unit", range(4))
def test_the_image_in_detail_is_the_one_that_contributes_most(unit):
    p = random_problem()
    found = explain(p, Weight(1, unit, 3))
    alone = [explain(dataclasses.replace(p, x=p.x[[i]], y=p.y[[i]]), Weight(1, unit, 3)).mean for i in range(len(p.x))]
    assert found.detailed == np.abs(alone).argmax()
    np.testing.assert_allclose(found.product, alone, rtol=1e-13)


# --- what is printed --------------------------------------------------------------------------------------------


def rows(text, header):
    """The last column of the table that begins with this header: by what stands in the first."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if re.match(header, line)) + 1
    table = itertools.takewhile(lambda line: re.match(r"\d|sum|mean", line), lines[begin:])
    cells = [re.split(r"\s{2,}", line.strip()) for line in table]
    return {row[0]: float(row[-1]) for row in cells}


@pytest.mark.parametrize("batch_size", [1, 8, 9, 40])
def test_the_rows_of_a_batch_add_up_and_the_largest_are_shown(batch_size):
    p = random_problem(batch_size=batch_size)
    found = explain(p, Weight(1, 2, 3))
    text = report(p, found)
    if batch_size == 1:
        assert "image " not in text.replace("1 image ", "")
        return
    table = rows(text, "image ")
    total, mean = table.pop("sum"), table.pop("mean")
    assert sum(table.values()) == pytest.approx(total, rel=1e-2, abs=1e-3 * max(map(abs, table.values())))
    assert total == pytest.approx(found.product.sum(), rel=1e-3)
    assert mean == pytest.approx(weight_gradient(p, Weight(1, 2, 3)), rel=1e-3)
    assert len(table) == min(batch_size, 8)
    assert (f"{batch_size - 7} others" in table) == (batch_size > 8)
    shown = [abs(value) for name, value in table.items() if "other" not in name]
    assert shown == sorted(shown, reverse=True)
    assert min(shown) >= np.sort(np.abs(found.product))[-len(shown)] * 0.999


def weight_gradient(p, weight):
    return weight.of(*exact_gradients(p))


def test_the_rows_of_the_paths_add_up_with_the_others_in_one():
    p = random_problem((5, 4, 30, 12), batch_size=1, seed=6)
    found = explain(p, Weight(0, 3, 1))
    text = report(p, found)
    for header, paths, others in (("i +dC/da_i", found.layers[1].paths, 23), ("i +a_i", found.layers[0].paths, 3)):
        table = rows(text, header)
        total = table.pop("sum")
        assert total == pytest.approx(paths.sum(), rel=1e-3)
        assert f"{others} others" in table
        assert sum(table.values()) == pytest.approx(total, abs=1e-3 * np.abs(paths).sum())
        shown = [int(name) for name in table if "others" not in name]
        assert shown == sorted(np.argsort(-np.abs(paths))[: len(shown)])
        for i in shown:
            assert table[str(i)] == pytest.approx(paths[i], rel=1e-3)


@pytest.mark.parametrize("exponent", [-300, -99, -5, -4, 0, 3, 4, 99, 300])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_keeps_three_digits_in_ten_characters(exponent, sign):
    value = sign * 1.23456 * 10.0**exponent
    assert len(number(value)) <= 10
    assert float(number(value)) == pytest.approx(value, rel=4e-3)


def test_the_factors_printed_are_named_with_their_shapes():
    p = random_problem(batch_size=11)
    text = report(p, explain(p, Weight(1, 2, 3)))
    for symbol, function, shape in (
        ("dC/da_2", "sum_over_paths", (11, 4)),
        ("da_2/dz_2", "activation_slope", (11, 4)),
        ("delta_2", "unit_error", (11, 4)),
        ("dz_2/dw_2,3", "kernel_slope", (11, 5)),
    ):
        assert re.search(rf"^{symbol} .*{re.escape(str(shape))} +{function}$", text, flags=re.MULTILINE)
    assert "By cost_slope, activation_slope, unit_error (11, 3), input_slope (4, 3)." in text


def test_the_bias_is_told_as_such():
    p = random_problem(batch_size=11)
    text = report(p, explain(p, Weight(0, 2, None)))
    assert re.search(r"^b_2 of hidden_1 = \S+, the bias of unit 2$", text, flags=re.MULTILINE)
    assert re.search(r"^dz_2/db_2 +1 .*\(11, 1\) +bias_slope$", text, flags=re.MULTILINE)
    assert "dC/db_2, found in 5 ways" in text


@pytest.mark.parametrize("scale", [1e-30, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("sizes", [(784, 10), (784, 1100, 10), (784, 12, 11, 13, 12, 11, 10)], ids=str)
def test_nothing_is_wider_than_80_columns(sizes, scale):
    p = random_problem(sizes, batch_size=20, scale=scale, activation="tanh", output_activation="linear")
    p.y[...] = np.eye(10)[np.arange(20) % 10]
    for weight in (Weight(0, sizes[1] - 1, 783), Weight(len(sizes) - 2, 9, None)):
        found = explain_weight(p.network, p.W, p.b, p.x, p.y, weight, tape=-1.2345678901234567e-100)
        for rows in (20, 60_000):
            images = np.full(rows, 59_999)
            factors = [dataclasses.replace(f, shape=(rows, *f.shape[1:])) for f in found.factors]
            shown = dataclasses.replace(found, factors=tuple(factors))
            text = report(p, shown, images=images, digits=np.full(rows, 9), folder="l" * 70)
            assert max(map(len, text.splitlines())) <= 80
            assert "…" not in text
