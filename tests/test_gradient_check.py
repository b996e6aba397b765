"""The check: it accepts what is right, and finds every kind of fault planted in a record of real training steps."""

import dataclasses
import re

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import train
from backprop.network import ChainRule, forward
from callbacks.finite_cost import FiniteCost, NonFiniteCost
from callbacks.gradient_check import CheckedSteps, GradientCheck, GradientMismatch
from config import Config
from tests.made import made_images

NAMES = ["hidden_1 kernel", "hidden_1 bias", "hidden_2 kernel", "hidden_2 bias", "output kernel", "output bias"]


class Keep(train.keras.callbacks.Callback):
    """Keeps the records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def on_gradients(self, record):
        self.records.append(record)


def real_records(config, epochs=1):
    """Train on made images; returns the data and the records."""
    images = made_images(num_train=320)
    data = train.Dataset.from_mnist(train.mnist.Mnist(**images, source="made"), config.dtype)
    keep = Keep()
    train.fit(
        train.build_model(config, num_steps=10 * epochs),
        data,
        batch_size=32,
        epochs=epochs,
        steps_per_execution=4,
        callbacks=[keep],
    )
    return data, keep.records


CONFIGS = {
    "lecture": Config(),
    "lecture float64": Config(dtype="float64"),
    "relu, cross-entropy": Config(activation="relu", cost="cross-entropy", learning_rate=0.1),
}


@pytest.fixture(scope="module", params=CONFIGS)
def trained(request):
    config = CONFIGS[request.param]
    return (config, *real_records(config))


def new_check(config, data, **options):
    return GradientCheck(train.manual_network(config), data.x_train, data.y_train, **options)


def with_fault(record, field, i, change, *args):
    """A copy of the record with `change` applied to a copy of the i-th array of a field."""
    arrays = list(getattr(record, field))
    arrays[i] = change(arrays[i].copy(), *args)
    return dataclasses.replace(record, **{field: tuple(arrays)})


def test_correct_training_agrees(trained):
    config, data, records = trained
    check = new_check(config, data)
    for record in records:
        check.on_gradients(record)
    assert (check.steps_checked, check.tensors_checked, check.steps_wrong) == (10, 60, 0)
    assert 0 < check.worst.error <= check.tolerance
    assert check.worst.tensor in NAMES
    assert check.worst.where.startswith("epoch 1, step ")


@pytest.mark.parametrize("i", range(6), ids=NAMES)
def test_a_fault_in_one_entry_of_one_gradient_is_found_and_named(trained, i):
    config, data, records = trained

    def change(gradient):
        """Move the largest entry of step 2 by a tenth of a percent of the gradient's norm."""
        entry = np.unravel_index(np.abs(gradient[2]).argmax(), gradient[2].shape)
        gradient[2][entry] += 1e-3 * np.linalg.norm(gradient[2])
        return gradient

    check = new_check(config, data)
    check.on_gradients(records[0])
    with pytest.raises(GradientMismatch) as caught:
        check.on_gradients(with_fault(records[1], "gradients", i, change))
    first, second, *_ = str(caught.value).splitlines()
    assert first == "Mismatch with the manual backpropagation at epoch 1, step 7 (7 of 10 in its epoch):"
    assert second.startswith(f"  {NAMES[i]}: error 0.001, tolerance 1e-")
    assert re.search(r"cosine 1\.000000, ratio of norms (1|1\.0|0\.999)", second)


@pytest.mark.parametrize("i", range(6), ids=NAMES)
@pytest.mark.parametrize(
    "change",
    [
        lambda g: -g,
        lambda g: g / 2,
        lambda g: np.zeros_like(g),
        lambda g: np.roll(g, 1, axis=0),
        lambda g: np.full_like(g, np.nan),
    ],
    ids=["sign", "half", "zero", "of another step", "nan"],
)
def test_a_wrong_gradient_is_found(trained, i, change):
    config, data, records = trained
    with pytest.raises(GradientMismatch, match=NAMES[i]):
        new_check(config, data).on_gradients(with_fault(records[0], "gradients", i, change))


@pytest.mark.parametrize("i", range(6), ids=NAMES)
@pytest.mark.parametrize("factor", [0.0, -1.0, 1.01, 2.0], ids=["no step", "ascent", "1 % longer", "twice"])
def test_a_wrong_update_is_found(trained, i, factor):
    """The parameters after the last step of the record do not lie where SGD puts them."""
    config, data, records = trained

    before = records[0].parameters[i][-1]
    wrong = with_fault(records[0], "final_parameters", i, lambda final: before + factor * (final - before))
    with pytest.raises(GradientMismatch, match=f"{NAMES[i]} update: error"):
        new_check(config, data).on_gradients(wrong)
    new_check(config, data, check_updates=False).on_gradients(wrong)  # and is of no interest to another optimizer


def test_a_wrong_learning_rate_is_found(trained):
    config, data, records = trained
    wrong = dataclasses.replace(records[0], learning_rates=records[0].learning_rates * 2)
    with pytest.raises(GradientMismatch, match="update"):
        new_check(config, data).on_gradients(wrong)


def test_a_wrong_cost_is_found(trained):
    config, data, records = trained
    wrong = dataclasses.replace(records[0], costs=records[0].costs / 2)
    with pytest.raises(GradientMismatch, match="  cost: error 0.5"):
        new_check(config, data).on_gradients(wrong)


def test_the_wrong_samples_are_found(trained):
    config, data, records = trained
    wrong = dataclasses.replace(records[0], indices=records[0].indices[::-1])
    with pytest.raises(GradientMismatch):
        new_check(config, data).on_gradients(wrong)


def test_a_wrong_manual_module_is_found(trained):
    """A mistake on the other side: here the misprint's neighbour, s' missing."""
    config, data, records = trained
    rule = ChainRule(activation_slope=lambda p, l: np.ones_like(p.z[l]))
    network = dataclasses.replace(train.manual_network(config), rule=rule)
    with pytest.raises(GradientMismatch, match="hidden_1 kernel"):
        GradientCheck(network, data.x_train, data.y_train).on_gradients(records[0])


def test_warn_reports_the_first_mismatch_of_an_epoch_and_counts_all(trained, capsys):
    config, data, records = trained
    check = new_check(config, data, on_mismatch="warn")
    for record in records:
        check.on_gradients(with_fault(record, "gradients", 0, lambda g: 2 * g))
    assert check.steps_wrong == check.steps_checked == 10
    assert check.worst.error == pytest.approx(1.0, rel=1e-3)
    assert capsys.readouterr().err.count("Mismatch") == 1


@pytest.mark.parametrize(("check_every", "steps"), [(1, 10), (3, 4), (4, 3), (7, 2), (100, 1), (0, 0)])
def test_check_every(trained, check_every, steps):
    """Steps 0, n, 2n, ... are checked, wherever the records are cut; a fault elsewhere is not seen."""
    config, data, records = trained
    check = new_check(config, data, check_every=check_every)
    seen = []
    for record in records:
        check.on_gradients(record)
        seen += (record.first_step + CheckedSteps.of(record).indices).tolist()
    assert check.steps_checked == steps
    assert seen == (list(range(0, 10, check_every)) if check_every else [])

    def spoil_step_1(gradient):
        gradient[1] *= 2
        return gradient

    wrong = with_fault(records[0], "gradients", 0, spoil_step_1)
    if check_every == 1:
        with pytest.raises(GradientMismatch):
            new_check(config, data, check_every=1).on_gradients(wrong)
    else:
        new_check(config, data, check_every=check_every).on_gradients(wrong)


def test_zero_gradients_are_no_false_alarm_and_hide_no_fault():
    """All-black images and dead ReLUs: the first kernel's gradient is exactly zero on both sides."""
    config = Config(activation="relu", cost="cross-entropy", learning_rate=0.1)
    data, records = real_records(config)
    dark = dataclasses.replace(data, x_train=np.zeros_like(data.x_train))
    model = train.build_model(config, 10)
    keep = Keep()
    train.fit(model, dark, batch_size=32, epochs=1, callbacks=[keep, new_check(config, dark)])
    record = keep.records[0]
    assert not record.gradients[0].any()

    def a_little(gradient):
        gradient[0, 5, 5] = 1e-3
        return gradient

    with pytest.raises(GradientMismatch, match="hidden_1 kernel: error"):
        new_check(config, dark).on_gradients(with_fault(record, "gradients", 0, a_little))


def test_saturated_units_are_no_false_alarm_and_hide_no_fault():
    """Kernels of 50 drive every sigmoid to its end, where s (1 - s) keeps no correct digit in float32."""
    config = Config()
    data, _ = real_records(config)
    model = train.build_model(config, 10)
    model.set_weights([50 * w for w in model.get_weights()])
    keep = Keep()
    train.fit(model, data, batch_size=32, epochs=1, callbacks=[keep, new_check(config, data)])
    with pytest.raises(GradientMismatch):
        new_check(config, data).on_gradients(with_fault(keep.records[0], "gradients", 5, lambda g: 1.01 * g))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_mismatch": "stopp"}, "on_mismatch is 'stopp'; expected one of: stop, warn. Did you mean 'stop'?"),
        ({"check_every": -1}, "check_every is -1; expected 0 (never) or more"),
        ({"tolerance": 0.0}, "tolerance is 0.0; expected a number above 0"),
        ({"tolerance": np.nan}, "tolerance is nan; expected a number above 0"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match="expected") as caught:
        GradientCheck(train.manual_network(Config()), np.zeros((1, 784)), np.zeros((1, 10)), **options)
    assert str(caught.value) == message


def test_a_manual_network_of_another_depth_is_told(trained):
    config, data, records = trained
    shallow = train.manual_network(dataclasses.replace(config, hidden=(16,)))
    with pytest.raises(ValueError, match=r"trains 6 tensors \(hidden_1 kernel, .*expected kernel and bias of 2 layers"):
        GradientCheck(shallow, data.x_train, data.y_train).on_gradients(records[0])


def test_gradients_of_another_shape_or_format_are_told(trained):
    config, data, records = trained
    with pytest.raises(ValueError, match=r"of hidden_2 kernel is float\d\d \(16, 10\); expected .*\(16, 16\)"):
        new_check(config, data).on_gradients(with_fault(records[0], "gradients", 2, lambda g: g[:, :, :10]))
    with pytest.raises(ValueError, match="gradient of hidden_1 kernel is float16"):
        new_check(config, data).on_gradients(with_fault(records[0], "gradients", 0, lambda g: g.astype(np.float16)))


def test_a_kink_excuses_only_the_entries_it_reaches():
    """A ReLU at z = 0 to within rounding may be on or off; a fault elsewhere in the same kernel is still seen."""
    config = Config(activation="relu", cost="cross-entropy", learning_rate=0.1, hidden=(16,))
    images = made_images(num_train=64)
    data = train.Dataset.from_mnist(train.mnist.Mnist(**images, source="made"), "float32")
    model = train.build_model(config, 2)
    kernel, bias, *rest = model.get_weights()
    x, pixels = data.x_train, slice(100, 101)
    kernel[:, 0] = 0
    kernel[pixels, 0] = 1
    bias[0] = -np.float32(x[5, 100])  # unit 0 stands at its kink for sample 5
    model.set_weights([kernel, bias, *rest])
    keep = Keep()
    train.fit(model, data, batch_size=64, epochs=1, callbacks=[keep])
    record = keep.records[0]
    network = train.manual_network(config)
    W, b = [p[0] for p in record.parameters[0::2]], [p[0] for p in record.parameters[1::2]]
    z, a = forward(network, W, b, x[5:6])
    assert z[0][0, 0] == 0
    dC_da = (network.cost.slope(a[-1], data.y_train[5:6]) @ W[1].T)[0, 0]

    def flipped(gradient):
        """Unit 0 on for sample 5, where it was off: its share of the mean over 64 samples."""
        gradient[0, :, 0] += dC_da * x[5] / 64
        return gradient

    flip = with_fault(record, "gradients", 0, flipped)
    check = GradientCheck(network, data.x_train, data.y_train, check_updates=False)
    check.on_gradients(flip)
    assert (check.steps_wrong, check.steps_rounded) == (0, 1)
    assert check.worst is None
    logs = {}
    check.on_epoch_end(0, logs)
    assert np.isnan(logs["gradient_error"])

    def flipped_and_wrong(gradient):
        gradient = flipped(gradient)
        gradient[0, :, 1] *= 1.001
        return gradient

    with pytest.raises(GradientMismatch, match="hidden_1 kernel: error"):
        GradientCheck(network, data.x_train, data.y_train, check_updates=False).on_gradients(
            with_fault(record, "gradients", 0, flipped_and_wrong)
        )


def test_finite_cost_names_the_step_and_the_cause(trained):
    _, _, records = trained
    callback = FiniteCost()
    callback.on_gradients(records[0])
    costs = records[1].costs.copy()
    costs[1:] = np.nan
    with pytest.raises(NonFiniteCost, match=r"cost is nan at epoch 1, step 6 .*step before was [\d.]+\. .*too long"):
        callback.on_gradients(dataclasses.replace(records[1], costs=costs))
    costs[:] = np.inf
    with pytest.raises(NonFiniteCost, match="cost is inf at epoch 1, step 1 .*first one.*initial weights"):
        FiniteCost().on_gradients(dataclasses.replace(records[0], costs=costs))


def test_finite_cost_sees_an_update_that_is_not_finite(trained):
    _, _, records = trained

    def spoil(parameter):
        parameter[3:, 0] = np.inf
        return parameter

    at_the_end = with_fault(records[0], "final_parameters", 0, np.full_like, np.inf)
    with pytest.raises(NonFiniteCost, match="The update is not finite at epoch 1, step 4"):
        FiniteCost().on_gradients(at_the_end)
    with pytest.raises(NonFiniteCost, match="The update is not finite at epoch 1, step 3"):
        FiniteCost().on_gradients(with_fault(at_the_end, "parameters", 0, spoil))


@pytest.mark.parametrize("cache_bytes", [1, 300_000, 2**30], ids=["one step at a time", "two", "all"])
def test_how_many_steps_are_done_at_once_changes_no_verdict(trained, monkeypatch, cache_bytes):
    config, data, records = trained
    new_check(config, data).on_gradients(records[0])
    whole = CheckedSteps.of(records[0])
    monkeypatch.setattr("callbacks.gradient_check.CACHE_BYTES", cache_bytes)
    check = new_check(config, data)
    check.on_gradients(records[0])
    pieces = CheckedSteps.of(records[0])
    np.testing.assert_allclose(pieces.errors, whole.errors, rtol=0.5)
    np.testing.assert_allclose(pieces.manual_norms, whole.manual_norms, rtol=1e-5)

    def spoil_step_3(gradient):
        gradient[3] *= 1.01
        return gradient

    with pytest.raises(GradientMismatch, match=r"step 4 \(4 of 10 in its epoch\):\n  hidden_2 kernel: error 0\.01"):
        check.on_gradients(with_fault(records[0], "gradients", 2, spoil_step_3))


def test_blas_has_its_threads_back_afterwards(trained):
    config, data, records = trained
    before = [library["num_threads"] for library in threadpool_info()]
    new_check(config, data).on_gradients(records[0])
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_a_step_that_agrees_in_double_precision_needs_no_allowance_for_rounding():
    """With a tolerance between both errors of a step, the closer look alone clears it."""
    config = Config()
    data, records = real_records(config)
    record, steps, check = records[0], np.arange(4), new_check(config, data)
    single = check._errors(record, steps)[0][:7].max(axis=0)  # six gradients and the cost
    double = check._errors(record, steps, np.float64)[0][:7].max(axis=0)
    k = int(np.argmax(single / double))
    assert single[k] > 1.1 * double[k]
    follow = record.final_parameters if k == 3 else tuple(p[k + 1] for p in record.parameters)
    alone = dataclasses.replace(
        record,
        indices=record.indices[k : k + 1],
        costs=record.costs[k : k + 1],
        num_correct=record.num_correct[k : k + 1],
        learning_rates=record.learning_rates[k : k + 1],
        parameters=tuple(p[k : k + 1] for p in record.parameters),
        final_parameters=follow,
        gradients=tuple(g[k : k + 1] for g in record.gradients),
    )
    strict = new_check(config, data, tolerance=float(np.sqrt(single[k] * double[k])), check_updates=False)
    strict.on_gradients(alone)
    assert (strict.steps_checked, strict.steps_wrong, strict.steps_rounded) == (1, 0, 0)
    assert strict.worst.error <= double[k]
