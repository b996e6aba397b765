"""What a run logs, read back by TensorBoard's own reader and held against the run's own numbers."""

import contextlib
import dataclasses
import io
import re

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest
from backprop_check.format import FACTORS, read_about, read_step
from PIL import Image
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

import train
from backprop import Network, backward, forward
from callbacks import pictures
from callbacks.gradient_check import CheckedSteps, GradientCheck, GradientMismatch
from callbacks.tensorboard_log import TensorBoardLog
from config import Config
from models.losses import SumSquaredError
from models.mlp import build_mlp
from tests.logged_runs import FAULTY_LAYER, Keep, LoggedRun, logged_run, write_made_images
from tests.test_gradient_check import with_fault

EPOCHS, STEPS = 12, 132  # 11 steps of 32 images, the last of 10
LOGGED = [*range(10), *range(10, STEPS, 10)]
NAMES = ["L1 W", "L1 b", "L2 W", "L2 b", "L3 W", "L3 b"]


@pytest.fixture(scope="module")
def data_file(tmp_path_factory):
    return write_made_images(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def right(tmp_path_factory, data_file):
    return logged_run(tmp_path_factory.mktemp("logs"), data_file, epochs=EPOCHS)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, data_file):
    return logged_run(tmp_path_factory.mktemp("logs"), data_file, epochs=2, faulty=True)


# --- curves -----------------------------------------------------------------------------------------------------


def test_the_curves_and_where_they_have_points(right):
    epochs = [11 * (epoch + 1) for epoch in range(EPOCHS)]
    train_scalars = right.scalars("train")
    assert {tag: sorted(points) for tag, points in train_scalars.items()} == {
        "1 learning/loss": epochs,
        "1 learning/accuracy": epochs,
        "1 learning/batch loss": LOGGED,
        **{f"2 check/log10 err {name}": LOGGED for name in NAMES},
        **{f"3 gradients/{name} norm": LOGGED for name in NAMES},
        **{f"4 weights/L{layer} W norm": LOGGED for layer in (1, 2, 3)},
        **{f"4 weights/log10 upd ratio L{layer}": LOGGED for layer in (1, 2, 3)},
        **{f"5 units/L{layer} inactive": LOGGED for layer in (1, 2)},
    }
    assert all(len(tag.partition("/")[2]) <= 18 for tag in train_scalars), "TensorBoard cuts long ones"
    validation = right.scalars("validation")
    assert {tag: sorted(points) for tag, points in validation.items()} == {
        "1 learning/loss": epochs,
        "1 learning/accuracy": epochs,
    }
    assert {tag: sorted(points) for tag, points in right.scalars("numpy").items()} == {
        f"3 gradients/{name} norm": LOGGED for name in NAMES
    }


def test_loss_and_accuracy_are_the_histories(right):
    history = right.result.history
    for run, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            points = right.scalars(run)[f"1 learning/{name}"]
            assert list(points.values()) == pytest.approx(history[prefix + name])


def test_what_is_told_of_a_step_is_what_its_record_says(right):
    """By NumPy's own functions, from the records of the whole run."""
    scalars, records = right.scalars("train"), right.records
    costs = records.whole("costs")
    assert scalars["1 learning/batch loss"] == {step: costs[step] for step in LOGGED}
    final = records.records[-1].final_parameters
    for i, name in enumerate(NAMES):
        gradients, before = records.whole("gradients", i), records.whole("parameters", i)
        after = np.concatenate([before[1:], final[i][np.newaxis]])
        for step in LOGGED:
            assert scalars[f"3 gradients/{name} norm"][step] == pytest.approx(np.linalg.norm(gradients[step]), rel=1e-5)
            if i % 2 == 0:
                norm, moved = np.linalg.norm(before[step]), np.linalg.norm(after[step] - before[step])
                layer = i // 2 + 1
                assert scalars[f"4 weights/{name} norm"][step] == pytest.approx(norm, rel=1e-5)
                ratio = scalars[f"4 weights/log10 upd ratio L{layer}"][step]
                assert ratio == pytest.approx(np.log10(moved / norm), abs=1e-4)


def test_errors_and_manual_norms_are_those_of_a_second_derivation(right):
    """The manual module in float64, one step at a time."""
    check_scalars, numpy_scalars = right.scalars("train"), right.scalars("numpy")
    network, records = train.manual_network(Config()), right.records
    indices = [batch for record in records.records for batch in record.indices]
    for step in LOGGED:
        W, b = ([records.whole("parameters", i)[step].astype("f8") for i in range(j, 6, 2)] for j in (0, 1))
        x, y = (array[indices[step]].astype("f8") for array in (right.data.x_train, right.data.y_train))
        dW, db = backward(network, W, b, *forward(network, W, b, x), y)
        for i, name in enumerate(NAMES):
            manual, tape = (dW, db)[i % 2][i // 2], records.whole("gradients", i)[step]
            assert numpy_scalars[f"3 gradients/{name} norm"][step] == pytest.approx(np.linalg.norm(manual), rel=1e-4)
            error = np.linalg.norm(tape - manual) / np.linalg.norm(manual)
            assert check_scalars[f"2 check/log10 err {name}"][step] == pytest.approx(np.log10(error), abs=0.6)


def test_the_share_of_inactive_units(tmp_path, data_file):
    """ReLU units that none of the batch reaches, counted by their z."""
    run = logged_run(tmp_path, data_file, epochs=2, activation="relu", learning_rate=2.0, hidden=(30, 20))
    scalars, network = run.scalars("train"), train.manual_network(run.result.config)
    indices = [batch for record in run.records.records for batch in record.indices]
    shares = []
    for step in [*range(10), 10, 20]:
        W, b = ([run.records.whole("parameters", i)[step] for i in range(j, 6, 2)] for j in (0, 1))
        z, _ = forward(network, W, b, run.data.x_train[indices[step]])
        for layer in (1, 2):
            dead = (z[layer - 1] <= 0).all(axis=0).mean()
            assert scalars[f"5 units/L{layer} inactive"][step] == pytest.approx(dead)
            shares.append(dead)
    assert max(shares) > 0, "the test should see dead units"
    assert min(shares) < 1


def test_a_fault_in_one_layer_splits_that_layers_norm_and_lifts_its_error_alone(faulty):
    tape, manual = faulty.scalars("train"), faulty.scalars("numpy")
    for i, name in enumerate(NAMES):
        is_wrong = i == 2 * FAULTY_LAYER
        for step in [*range(10), 10, 20]:
            ratio = manual[f"3 gradients/{name} norm"][step] / tape[f"3 gradients/{name} norm"][step]
            assert ratio == pytest.approx(1.15 if is_wrong else 1, rel=1e-4)
            error = tape[f"2 check/log10 err {name}"][step]
            assert error == pytest.approx(np.log10(0.15 / 1.15), abs=1e-3) if is_wrong else error < -5


# --- histograms -------------------------------------------------------------------------------------------------


def test_histograms_count_every_entry(right):
    events, records = right.events("train"), right.records
    expected = {f"{kind}/{name}": [0, 100] for kind in ("weights", "gradients") for name in NAMES[::2]}
    expected |= {f"activations/L{layer}": [0, 100] for layer in (1, 2, 3)}
    tags = events.Tags()["histograms"]
    assert {tag: [event.step for event in events.Histograms(tag)] for tag in tags} == expected
    for kind, field in (("weights", "parameters"), ("gradients", "gradients")):
        for i in (0, 2, 4):
            for event in events.Histograms(f"{kind}/{NAMES[i]}"):
                values, histogram = records.whole(field, i)[event.step], event.histogram_value
                assert (histogram.min, histogram.max) == pytest.approx((values.min(), values.max()))
                assert sum(histogram.bucket) == histogram.num == values.size
                if values.min() == values.max():
                    continue  # the biases of the first step, all of them zero
                counts, edges = np.histogram(values.astype("f8"), 30)
                np.testing.assert_allclose(histogram.bucket_limit, edges[1:], atol=1e-6 * (values.max() - values.min()))
                moved = np.abs(np.array(histogram.bucket) - counts).sum()
                assert moved <= 0.02 * values.size + 2  # what lies on an edge may fall to either side


# --- the tab's steps --------------------------------------------------------------------------------------------


def kept_steps(run):
    """`About`, and a dict from step to `KeptStep`."""
    events = run.events("train")
    tags = events.PluginTagToContent("backprop_check")
    arrays = {tag: {event.step: make_ndarray(event.tensor_proto) for event in events.Tensors(tag)} for tag in tags}
    about = read_about(arrays["about"][0])
    return about, {step: read_step(about, lambda tag, step=step: arrays[tag][step]) for step in arrays["errors"]}


def test_kept_steps_hold_both_gradients_and_their_explanation(right):
    about, steps = kept_steps(right)
    assert about.layers == ("hidden_1", "hidden_2", "output")
    assert (about.cost, about.tolerance, about.image_shape) == ("squared-error", 1e-5, (28, 28))
    assert set(steps) <= set(LOGGED)
    assert {0, 1, 9, LOGGED[-1]} <= set(steps)
    for number, step in steps.items():
        for l in range(3):
            for i, pair in ((2 * l, step.kernels[l]), (2 * l + 1, step.biases[l])):
                tape, manual = pair
                np.testing.assert_array_equal(tape, right.records.whole("gradients", i)[number])
                np.testing.assert_allclose(manual, tape, atol=2e-5 * np.linalg.norm(tape))
            product = step.factors["dC_da"][l] * step.factors["da_dz"][l]
            mean = step.factors["dz_dW"][l].T @ product / len(product)
            np.testing.assert_allclose(mean, step.kernels[l][1], rtol=1e-3, atol=1e-7)
        assert set(step.factors) == set(FACTORS)


def test_kept_steps_of_a_faulty_run_show_the_fault_as_it_was(faulty):
    about, steps = kept_steps(faulty)
    for step in steps.values():
        wrong = np.flatnonzero(~(step.errors <= about.tolerance))
        assert wrong.tolist() == [2 * FAULTY_LAYER]
        tape, manual = step.kernels[FAULTY_LAYER]
        np.testing.assert_allclose(manual, 1.15 * tape, rtol=1e-3, atol=1e-7)


def log_of_records(folder, check, records):
    """Show records to a check and a log, as a training would, up to a mismatch."""
    log = TensorBoardLog(folder / "run", check)
    model = train.build_model(Config(), num_steps=1)
    log.set_params({"epochs": 3, "steps": records[0].num_steps_per_epoch})
    log.set_model(model)
    log.on_train_begin()
    for record in records:
        with contextlib.suppress(GradientMismatch):
            check.on_gradients(record)
        log.on_gradients(record)
        if check.steps_wrong:
            break
    log.on_train_end()
    return LoggedRun(folder / "run", records)


@pytest.mark.parametrize("step", [3, 17])
def test_the_first_wrong_step_is_kept_whichever_it_is(right, tmp_path, step):
    check = GradientCheck(train.manual_network(Config()), right.data.x_train, right.data.y_train)

    def spoil(gradients, k):
        gradients[k] *= 1.5
        return gradients

    records = [dataclasses.replace(record, found={}) for record in right.records.records]
    at = next(i for i, record in enumerate(records) if record.first_step <= step < record.first_step + len(record))
    records[at] = with_fault(records[at], "gradients", 2, spoil, step - records[at].first_step)
    run = log_of_records(tmp_path, check, records)
    about, steps = kept_steps(run)
    reports = list(texts(run.events("train"), "gradient report").values())
    assert "| hidden_2 kernel |" in next(line for line in reports[-1].splitlines() if "FAIL" in line)
    assert len(reports) == step // 11 + 1, "the epoch in which the training stopped has its report, too"
    assert step in steps
    assert np.flatnonzero(~(steps[step].errors <= about.tolerance)).tolist() == [2]
    assert sum((~(kept.errors <= about.tolerance)).any() for kept in steps.values()) == 1


def test_steps_too_large_to_be_kept_are_not_kept_where_they_are_wrong_either(right, tmp_path, monkeypatch):
    monkeypatch.setattr("callbacks.cadence.LARGEST_KEPT_STEP", 1000)
    check = GradientCheck(train.manual_network(Config()), right.data.x_train, right.data.y_train)
    record = dataclasses.replace(right.records.records[0], found={})
    run = log_of_records(tmp_path, check, [with_fault(record, "gradients", 2, lambda g: 2 * g)])
    assert check.steps_wrong > 0
    with pytest.raises(KeyError):
        run.events("train").PluginTagToContent("backprop_check")


# --- pictures, texts, graph -------------------------------------------------------------------------------------


def images(events, tag):
    """By step, the picture."""
    shown = {}
    for event in events.Images(tag):
        shown[event.step] = Image.open(io.BytesIO(event.encoded_image_string))
        assert shown[event.step].size == (event.width, event.height)
    return shown


def test_pictures_of_five_epochs_with_the_first_and_the_last(right):
    train_events, validation_events = right.events("train"), right.events("validation")
    for events, tags in (
        (train_events, ["hidden_1 kernel", "hidden_1 kernel, gradient", "network with its gradients"]),
        (validation_events, ["confusion matrix", "worst misclassified"]),
    ):
        assert sorted(events.Tags()["images"]) == sorted(tags)
        for tag in tags:
            steps = sorted(images(events, tag))
            assert 3 <= len(steps) <= 5
            assert (steps[0], steps[-1]) == (11, STEPS)


def test_pictures_show_the_network_as_it_is_then(right):
    """The last kernel's sheet is drawn from the trained model, and no other epoch's is the same."""
    sheets = images(right.events("train"), "hidden_1 kernel")
    trained = pictures.kernel_tiles(right.result.model.get_weights()[0], (28, 28))
    assert sheets[STEPS].tobytes() == trained.tobytes()
    assert len({sheet.tobytes() for sheet in sheets.values()}) == len(sheets)


def texts(events, tag):
    return {event.step: event.tensor_proto.string_val[0].decode() for event in events.Tensors(tag)}


def test_the_gradient_report_of_each_epoch(right, faulty):
    reports = texts(right.events("train"), "gradient report")
    assert list(reports) == [11 * (epoch + 1) for epoch in range(EPOCHS)]
    for epoch, report in enumerate(reports.values()):
        assert report.startswith("11 steps checked, all agree.")
        rows = re.findall(r"^\| (\w+) (kernel|bias) \| (\S+) \| (\S+) \| 1e-05 \| pass \|$", report, flags=re.MULTILINE)
        assert len(rows) == 6
        for i, (_, _, error, step) in enumerate(rows):
            found = [CheckedSteps.of(record) for record in right.records.records if record.epoch == epoch]
            errors = np.concatenate([checked.errors[i] for checked in found])
            assert float(error) == pytest.approx(errors.max(), rel=0.05)
            assert int(step) == 11 * epoch + errors.argmax()

    for report in texts(faulty.events("train"), "gradient report").values():
        assert report.startswith("11 steps checked, **11 of them wrong**.")
        assert re.findall(r"^\| (\w+ \w+) .*\*\*FAIL\*\* \|$", report, flags=re.MULTILINE) == ["hidden_2 kernel"]
        assert report.count("| pass |") == 5


def test_the_configuration_as_a_table(right):
    [configuration] = texts(right.events("train"), "configuration").values()
    assert "| hidden | 16-16 |" in configuration
    assert "| learning_rate | 1.0 |" in configuration
    assert f"| epochs | {EPOCHS} |" in configuration


def test_the_graph_has_the_parts_of_a_step(right):
    graph = GraphDef.FromString(right.events("train").Graph().SerializeToString())
    names = [node.name for node in graph.node]
    assert {name.partition("/")[0] for name in names} == {"x", "y", "1_forward", "2_loss", "3_backward", "4_gradients"}
    assert len(set(names)) == len(names)
    for node in graph.node:
        assert {name.partition(":")[0].lstrip("^") for name in node.input} <= set(names)
    by_name = {node.name: node.op for node in graph.node}
    assert by_name["1_forward/mlp/hidden_1/MatMul"] == "MatMul"
    assert by_name["3_backward/1_forward/mlp/output/Sigmoid/SigmoidGrad"] == "SigmoidGrad"
    assert sum(name.startswith("4_gradients/") for name in names) == 6


# --- hyperparameters, projector, layout -------------------------------------------------------------------------


def hparams_content(run, tag):
    [(_, content)] = [item for item in run.events("").PluginTagToContent("hparams").items() if item[0] == tag]
    return HParamsPluginData.FromString(content)


def test_hyperparameters_and_how_the_run_ended(right, faulty):
    session = hparams_content(right, "_hparams_/session_start_info").session_start_info
    assert session.hparams["learning_rate"].number_value == 1
    assert session.hparams["hidden"].string_value == "16-16"
    assert "logs" not in session.hparams
    assert session.group_name == right.result.folder.name
    for run, status in ((right, api_pb2.STATUS_SUCCESS), (faulty, api_pb2.STATUS_FAILURE)):
        assert hparams_content(run, "_hparams_/session_end_info").session_end_info.status == status


def test_the_projector_finds_activations_classes_and_pictures(right):
    folder = right.result.folder / "projector"
    model, x, y = right.result.model, right.data.x_test, right.data.y_test
    hidden_1 = model.layers[0](x).numpy()
    np.testing.assert_allclose(np.loadtxt(folder / "hidden_1.tsv", delimiter="\t"), hidden_1, rtol=1e-4)
    assert np.loadtxt(folder / "hidden_2.tsv", delimiter="\t").shape == (60, 16)
    columns = np.loadtxt(folder / "columns.tsv", delimiter="\t", skiprows=1, dtype=int)
    np.testing.assert_array_equal(columns[:, 0], y.argmax(axis=1))
    np.testing.assert_array_equal(columns[:, 1], model(x).numpy().argmax(axis=1))
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (8 * 28, 8 * 28)  # 60 pictures
    assert list(folder.glob("events.out.tfevents.*")), "without events it is no run for TensorBoard"


def test_the_layout_is_written_once_for_all_runs(tmp_path, data_file):
    for _ in range(2):
        logged_run(tmp_path, data_file, epochs=1)
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1


# --- other trainings --------------------------------------------------------------------------------------------


def test_without_a_check_there_is_no_word_of_agreement(tmp_path, data_file):
    run = logged_run(tmp_path, data_file, epochs=1, check_every=0)
    scalars = run.scalars("train")
    assert "3 gradients/L1 W norm" in scalars
    assert not [tag for tag in scalars if tag.startswith("2 check")]
    assert run.scalars("numpy") == {}
    assert texts(run.events("train"), "gradient report") == {11: "No gradient of this epoch was checked."}
    with pytest.raises(KeyError):
        run.events("train").PluginTagToContent("backprop_check")


def test_only_checked_steps_are_compared_and_kept(tmp_path, data_file):
    run = logged_run(tmp_path, data_file, epochs=2, check_every=4)
    assert sorted(run.scalars("train")["2 check/log10 err L1 W"]) == [0, 4, 8, 20]
    assert sorted(run.scalars("numpy")["3 gradients/L1 W norm"]) == [0, 4, 8, 20]
    assert sorted(run.scalars("train")["3 gradients/L1 W norm"]) == [*range(10), 10, 20]
    assert sorted(kept_steps(run)[1]) == [0, 4, 8, 20]


def test_inputs_that_are_no_pictures_and_no_validation(tmp_path):
    """A small network of one's own, as in the README."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 8)).astype("float32"), rng.uniform(size=(64, 2)).astype("float32")
    model = build_mlp(num_inputs=8, hidden=(), num_outputs=2, activation="tanh")
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=SumSquaredError())
    check, keep = GradientCheck(Network.from_names(["sigmoid"], "squared-error"), x, y), Keep()
    callbacks = [check, TensorBoardLog(tmp_path / "run", check), keep]
    train.fit(model, train.Dataset(x, y, x, y), batch_size=32, epochs=2, callbacks=callbacks)
    run = LoggedRun(tmp_path / "run", keep)
    assert sorted(run.events("train").Tags()["images"]) == ["network with its gradients"]
    assert sorted(kept_steps(run)[1]) == [0, 1, 2, 3]
    assert not (tmp_path / "run" / "projector").exists()


def test_a_training_that_ends_in_numbers_that_are_none_is_logged_to_its_end(tmp_path, data_file):
    with pytest.raises(train.NonFiniteCost):
        logged_run(tmp_path, data_file, epochs=3, activation="relu", learning_rate=1e30)
    [folder] = (path for path in tmp_path.iterdir() if path.is_dir())
    values = list(LoggedRun(folder, Keep()).scalars("train")["1 learning/batch loss"].values())
    assert np.isfinite(values[0])
    assert not np.isfinite(values[-1])
