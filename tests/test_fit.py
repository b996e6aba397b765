"""The loop: it trains as `model.fit` does, weight for weight, and drives Keras's own callbacks as `model.fit` does."""

import csv
import dataclasses
import signal

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest

import train
from callbacks.ctrl_c import CtrlC
from config import Config
from models.losses import SumSquaredError
from tests.made import made_images


def dataset(num_train=330, dtype="float32", num_test=60):
    return train.Dataset.from_mnist(train.mnist.Mnist(**made_images(num_train, num_test), source="made"), dtype)


class Hooks(keras.callbacks.Callback):
    """Writes down which hooks are called, with what."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.records = []

    def on_train_begin(self, logs=None):
        self.calls.append(("train begin",))

    def on_train_end(self, logs=None):
        self.calls.append(("train end",))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch end", epoch, sorted(logs)))

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("batch begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("batch end", batch, sorted(logs)))

    def on_test_begin(self, logs=None):
        self.calls.append(("test begin",))

    def on_test_batch_begin(self, batch, logs=None):
        self.calls.append(("test batch begin", batch))

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(("test batch end", batch, sorted(logs)))

    def on_test_end(self, logs=None):
        self.calls.append(("test end",))

    def on_gradients(self, record):
        self.records.append(record)
        self.calls.append(("gradients", record.indices.shape))


def in_batches(x, y, batch_size):
    """For `model.fit`; handed arrays, it would turn float64 into float32."""
    return train.tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(dtype="float64"),
        Config(activation="relu", cost="cross-entropy", learning_rate=0.1, schedule="cosine", dtype="float64"),
        Config(activation="tanh", hidden=(8,), jit_compile=False, dtype="float64", learning_rate=0.3),
    ],
    ids=["lecture", "float64", "cosine", "not XLA"],
)
def test_trains_as_model_fit_does_weight_for_weight(config):
    """330 images in batches of 32: ten full ones and a partial one of 10, which counts like any other."""
    data = dataset(dtype=config.dtype)
    epochs, num_steps = 3, 33
    ours, theirs = train.build_model(config, num_steps), train.build_model(config, num_steps)
    history = train.fit(
        ours,
        data,
        batch_size=32,
        epochs=epochs,
        seed=7,
        steps_per_execution=4,
        jit_compile=config.jit_compile,
    )
    expected = {}
    for epoch in range(epochs):
        order = train.epoch_order(7, epoch, 330)
        one_epoch = theirs.fit(
            in_batches(data.x_train[order], data.y_train[order], 32),
            shuffle=False,
            validation_data=in_batches(data.x_test, data.y_test, 60),
            verbose=0,
        )
        for name, values in one_epoch.history.items():
            expected.setdefault(name, []).extend(values)
    tolerance = 1e-12 if config.dtype == "float64" else 1e-5
    for w, v in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.linalg.norm(w - v) <= tolerance * np.linalg.norm(v)
    assert int(ours.optimizer.iterations) == num_steps
    assert history.keys() == expected.keys()
    for name, values in expected.items():  # Keras keeps its metrics in float32
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)


def test_another_order_gives_other_weights():
    """The twin: the comparison above is not so lax that the order of the samples would not matter."""
    data = dataset()
    weights = []
    for seed in (7, 8):
        model = train.build_model(Config(), 33)
        train.fit(model, data, batch_size=32, epochs=3, seed=seed)
        weights.append(model.get_weights()[0])
    assert np.linalg.norm(weights[0] - weights[1]) > 1e-3 * np.linalg.norm(weights[0])


@pytest.mark.parametrize("steps_per_execution", [1, 3, 1000])
def test_weights_do_not_depend_on_how_many_steps_one_call_takes(steps_per_execution):
    data = dataset(dtype="float64")
    models = [train.build_model(Config(dtype="float64"), 22) for _ in range(2)]
    train.fit(models[0], data, batch_size=32, epochs=2, steps_per_execution=5)
    train.fit(models[1], data, batch_size=32, epochs=2, steps_per_execution=steps_per_execution)
    for w, v in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-12, atol=1e-14)


def test_same_seed_same_bits():
    data = dataset()
    weights = []
    for _ in range(2):
        model = train.build_model(Config(seed=3), 33)
        train.fit(model, data, batch_size=32, epochs=3, seed=3)
        weights.append([w.tobytes() for w in model.get_weights()])
    assert weights[0] == weights[1]


def test_every_image_is_trained_on_once_an_epoch_in_another_order_each_time():
    hooks = Hooks()
    train.fit(train.build_model(Config(), 22), dataset(), batch_size=32, epochs=2, callbacks=[hooks])
    epochs = [np.concatenate([r.indices.ravel() for r in hooks.records if r.epoch == e]) for e in (0, 1)]
    for indices in epochs:
        assert sorted(indices) == list(range(330))
    assert not np.array_equal(*epochs)


def test_record_is_what_happened():
    """The parameters move by minus rate times gradient, from one record to the next; costs are those of the batch."""
    hooks = Hooks()
    data = dataset(dtype="float64")
    config = Config(dtype="float64", schedule="cosine")
    model = train.build_model(config, 22)
    before = model.get_weights()
    train.fit(model, data, batch_size=32, epochs=2, steps_per_execution=4, callbacks=[hooks])
    step = 0
    for record in hooks.records:
        assert record.first_step == step
        step += len(record)
        assert record.names[:2] == ("hidden_1 kernel", "hidden_1 bias")
        for parameter, start in zip(record.parameters, before, strict=True):
            np.testing.assert_array_equal(parameter[0], start)
        before = record.final_parameters
        for p, final, g in zip(record.parameters, before, record.gradients, strict=True):
            rate = record.learning_rates.reshape(-1, *[1] * (g.ndim - 1))
            np.testing.assert_allclose(np.diff(p, axis=0, append=final[np.newaxis]), -rate * g, atol=1e-15)
    for parameter, end in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(parameter, end)
    # half a cosine from 1 to 0 over 22 steps
    rates = np.concatenate([record.learning_rates for record in hooks.records])
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.arange(22) / 22)) / 2, rtol=1e-5)
    first = hooks.records[0]
    fresh = train.build_model(config, 22)
    a = fresh(data.x_train[first.indices[0]]).numpy()
    y = data.y_train[first.indices[0]]
    assert first.costs[0] == pytest.approx(((a - y) ** 2).sum(axis=1).mean(), rel=1e-12)
    assert first.num_correct[0] == (a.argmax(axis=1) == y.argmax(axis=1)).sum()


def test_hooks_come_in_keras_order():
    hooks = Hooks()
    train.fit(
        train.build_model(Config(), 3), dataset(74), batch_size=32, epochs=1, steps_per_execution=8, callbacks=[hooks]
    )
    batch_logs, epoch_logs = ["accuracy", "loss"], ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert hooks.calls == [
        ("train begin",),
        ("epoch begin", 0),
        ("batch begin", 0),
        ("gradients", (2, 32)),
        ("batch end", 1, batch_logs),
        ("batch begin", 2),
        ("gradients", (1, 10)),
        ("batch end", 2, batch_logs),
        ("test begin",),
        ("test batch begin", 0),
        ("test batch end", 0, batch_logs),
        ("test end",),
        ("epoch end", 0, epoch_logs),
        ("train end",),
    ]


def test_full_batch_is_gradient_descent():
    hooks = Hooks()
    history = train.fit(train.build_model(Config(), 5), dataset(), batch_size=330, epochs=5, callbacks=[hooks])
    assert [record.indices.shape for record in hooks.records] == [(1, 330)] * 5
    assert np.all(np.diff(history["loss"]) < 0)


# --- Keras's own callbacks --------------------------------------------------------------------------------------


def fit_with(*callbacks, epochs=4, config=None):
    config = config or Config(activation="relu", cost="cross-entropy", learning_rate=0.1)
    model = train.build_model(config, 11 * epochs)
    history = train.fit(model, dataset(), batch_size=32, epochs=epochs, steps_per_execution=4, callbacks=callbacks)
    return model, history


def test_csv_logger(tmp_path):
    _, history = fit_with(keras.callbacks.CSVLogger(tmp_path / "history.csv"))
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == values


def test_early_stopping_stops_and_restores():
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=0, min_delta=1e6, restore_best_weights=True)
    hooks = Hooks()
    model, history = fit_with(stop, hooks, epochs=50)
    assert len(history["loss"]) == 2  # the first sets the mark, the second is not a million better
    after_first = [r for r in hooks.records if r.epoch == 0][-1].final_parameters
    for w, v in zip(model.get_weights(), after_first, strict=True):
        np.testing.assert_array_equal(w, v)


def test_early_stopping_does_not_stop_what_still_improves():
    _, history = fit_with(keras.callbacks.EarlyStopping(monitor="loss", patience=3), epochs=4)
    assert len(history["loss"]) == 4


def test_model_checkpoint_keeps_the_best(tmp_path):
    path = tmp_path / "best.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)
    _, history = fit_with(checkpoint, epochs=4)
    saved = keras.models.load_model(path)
    data = dataset()
    cost, _ = train.evaluate(saved, data.x_test, data.y_test)
    assert cost == pytest.approx(min(history["val_loss"]), rel=1e-6)


def test_terminate_on_nan():
    config = Config(activation="relu", cost="cross-entropy", learning_rate=1e30)
    _, history = fit_with(keras.callbacks.TerminateOnNaN(), config=config, epochs=5)
    assert len(history["loss"]) == 1
    assert np.isnan(history["loss"][0])


def test_learning_rate_scheduler_changes_the_steps():
    hooks = Hooks()
    fit_with(keras.callbacks.LearningRateScheduler(lambda epoch, _: 0.1 / (epoch + 1)), hooks, epochs=2)
    rates = {record.epoch: record.learning_rates for record in hooks.records}
    np.testing.assert_allclose(rates[0], 0.1, rtol=1e-6)
    np.testing.assert_allclose(rates[1], 0.05, rtol=1e-6)


def test_callbacks_are_told_the_end_even_when_one_of_them_fails():
    class Fails(keras.callbacks.Callback):
        def on_gradients(self, record):
            raise RuntimeError("on purpose")

    hooks = Hooks()
    with pytest.raises(RuntimeError, match="on purpose"):
        fit_with(hooks, Fails())
    assert hooks.calls[-1] == ("train end",)


def compiled(**options):
    model = train.build_mlp()
    model.compile(**{"optimizer": "sgd", "loss": SumSquaredError()} | options)
    return model


def regularized():
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, kernel_regularizer="l2")])
    model.compile(optimizer="sgd", loss=SumSquaredError())
    return model


@pytest.mark.parametrize(
    ("make_model", "changes", "message"),
    [
        (lambda: compiled(loss="mse"), {}, "the model's loss is 'mse'; expected an object"),
        (regularized, {}, "the model has regularizers; their cost is not trained on here"),
        (
            compiled,
            {"x_train": np.zeros((330, 784))},
            "x_train is float64; expected float32, as the model's parameters are",
        ),
        (compiled, {"y_train": np.zeros(330, "float32")}, r"y_train has shape \(330,\); .* labels one-hot"),
        (compiled, {"x_test": np.zeros((0, 784), "float32")}, r"x_test has shape \(0, 784\); .* N at least 1"),
    ],
    ids=["loss by name", "regularizers", "format", "labels", "no test set"],
)
def test_what_it_cannot_train_as_model_fit_would_is_refused(make_model, changes, message):
    with pytest.raises(ValueError, match=message):
        train.fit(make_model(), dataclasses.replace(dataset(), **changes), batch_size=32, epochs=1)


# --- what costs time and memory ---------------------------------------------------------------------------------


def test_each_shape_of_batches_is_compiled_once_and_each_call_is_one_record(monkeypatch):
    """330 images, 4 steps a call: shapes (4, 32), (2, 32) and (1, 10), in three epochs of four calls each."""
    shapes, compile_train_steps = [], train.compile_train_steps

    def counted(*args):
        train_steps = compile_train_steps(*args)
        assert train_steps.function_type.parameters["batches"].type_constraint.shape.as_list() == [None, None]

        def call(batches):
            shapes.append(tuple(batches.shape))
            return train_steps(batches)

        return call

    monkeypatch.setattr(train, "compile_train_steps", counted)
    hooks = Hooks()
    fit_with(hooks, epochs=3)
    assert shapes == [record.indices.shape for record in hooks.records]
    assert len(shapes) == 12
    assert len(set(shapes)) == 3


def test_the_records_arrays_are_tensorflows_own(monkeypatch):
    outputs, compile_train_steps = [], train.compile_train_steps

    def kept(*args):
        train_steps = compile_train_steps(*args)
        return lambda batches: outputs.append(train_steps(batches)) or outputs[-1]

    monkeypatch.setattr(train, "compile_train_steps", kept)
    hooks = Hooks()
    fit_with(hooks)
    for record, output in zip(hooks.records, outputs, strict=True):
        for name in ("gradients", "parameters", "final_parameters"):
            for array, tensor in zip(getattr(record, name), output[name], strict=True):
                assert np.shares_memory(array, np.asarray(tensor))


def test_mnist_is_used_where_it_is_and_other_arrays_are_copied():
    x = dataset().x_train
    tensor = train.as_tensor(x)
    assert np.shares_memory(np.asarray(tensor), x)
    unaligned = np.empty(x.nbytes + 64, np.uint8)
    begin = -unaligned.ctypes.data % 64 + 4
    unaligned = unaligned[begin : begin + x.nbytes].view(x.dtype).reshape(x.shape)
    unaligned[:] = x
    read_only, every_second, transposed = x[:], x[::2], np.asfortranarray(x)
    read_only.flags.writeable = False
    for array in (unaligned, read_only, every_second, transposed):
        copy = train.as_tensor(array)
        np.testing.assert_array_equal(np.asarray(copy), array)
        assert not np.shares_memory(np.asarray(copy), array)


def test_arrays_that_are_not_aligned_train_alike():
    """TensorFlow ends the process where it is handed an address that it cannot compute with."""
    data = dataset()
    shifted = dataclasses.replace(data, x_train=np.concatenate([data.x_train[:1], data.x_train])[1:])
    weights = []
    for each in (data, shifted):
        model = train.build_model(Config(), 11)
        train.fit(model, each, batch_size=32, epochs=1)
        weights.append(model.get_weights())
    for w, v in zip(*weights, strict=True):
        np.testing.assert_array_equal(w, v)


# --- Ctrl-C -----------------------------------------------------------------------------------------------------


class PressCtrlC(keras.callbacks.Callback):
    """Sends the signal in the middle of the first call of step, or of the end of the first epoch."""

    def __init__(self, when, times=1):
        super().__init__()
        self.when, self.times = when, times

    def press(self, when):
        for _ in range(self.times if when == self.when else 0):
            signal.raise_signal(signal.SIGINT)

    def on_gradients(self, record):
        self.press(record.first_step)

    def on_epoch_end(self, epoch, logs=None):
        self.press("epoch end")


@pytest.fixture
def listens_to_ctrl_c():
    """A shell that runs the tests in the background has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("when", "steps"), [(4, 8), ("epoch end", 15)])
def test_ctrl_c_ends_the_training_between_two_calls(listens_to_ctrl_c, when, steps):
    """The steps at work, and the end of an epoch, are shown to all callbacks; then comes the end."""
    hooks = Hooks()
    with pytest.raises(KeyboardInterrupt), CtrlC() as ctrl_c:
        fit_with(PressCtrlC(when), hooks, ctrl_c)
    assert sum(len(record) for record in hooks.records) == steps
    assert hooks.calls[-2][0] == "batch end"
    assert hooks.calls[-1] == ("train end",)
    assert ("epoch end" in [call[0] for call in hooks.calls]) == (when == "epoch end")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_ends_it_at_once(listens_to_ctrl_c):
    hooks = Hooks()
    with pytest.raises(KeyboardInterrupt), CtrlC() as ctrl_c:
        fit_with(PressCtrlC(4, times=2), hooks, ctrl_c)
    assert [call[0] for call in hooks.calls[-2:]] == ["batch begin", "train end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- cutting into batches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_samples", "batch_size", "steps", "shapes"),
    [
        (60_000, 32, 125, [(125, 32)] * 15),
        (10, 3, 2, [(2, 3), (1, 3), (1, 1)]),
        (10, 10, 5, [(1, 10)]),
        (10, 1, 100, [(10, 1)]),
        (3, 2, 1, [(1, 2), (1, 1)]),
    ],
)
def test_cut_into_batches(num_samples, batch_size, steps, shapes):
    order = np.arange(num_samples, dtype=np.int32)[::-1]
    batches = list(train.cut_into_batches(order, batch_size, steps))
    assert [b.shape for b in batches] == shapes
    np.testing.assert_array_equal(np.concatenate([b.ravel() for b in batches]), order)


def test_one_trace_serves_all_shapes(monkeypatch):
    """XLA compiles for each shape, but Python goes through the step once; TensorFlow warns of many traces."""
    traces = []
    original = train.count_correct
    monkeypatch.setattr(train, "count_correct", lambda *tensors: traces.append(1) or original(*tensors))
    model = train.build_model(Config(), 33)
    data = dataset()
    x, y = train.tf.constant(data.x_train), train.tf.constant(data.y_train)
    steps = train.compile_train_steps(model, x, y, jit_compile=True)
    for epoch in range(3):
        for batches in train.cut_into_batches(train.epoch_order(0, epoch, 330), 32, 4):
            steps(train.tf.constant(batches))
    assert len(traces) == 1
