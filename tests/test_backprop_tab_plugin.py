"""The server's side of TensorBoard's tab "Backprop check", through TensorBoard's own application; no TensorFlow."""

import dataclasses
import json
import subprocess
import sys
import urllib.parse
import warnings

import numpy as np
import pytest
from backprop_check import chain_rule, reading, verdict
from backprop_check.format import (
    FACTORS,
    PLUGIN_NAME,
    About,
    FormatError,
    KeptStep,
    about_summary,
    read_step,
    step_summary,
    step_tags,
)
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_ndarray, make_tensor_proto
from werkzeug.test import Client

from backprop.compare import relative_error
from backprop.network import ChainRule, Pass, backward, forward, kernel_gradient
from tests.made import random_problem

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the html5lib that TensorBoard brings along
    from backprop_check.plugin import PINNED, STATIC_FILES, BackpropCheck
    from tensorboard import program
    from tensorboard.backend import application
    from tensorboard.plugins.core import core_plugin

ROUTE = f"/data/plugin/{PLUGIN_NAME}"
LAYERS = ("hidden_1", "hidden_2", "output")
TOLERANCE = 1e-5


# --- what a run writes ------------------------------------------------------------------------------------------


def factors_of(network, W, b, z, a, y):
    """The factors that the manual module's `backward` uses on its way, by `FACTORS`, for each layer."""
    p, rule = Pass(network, W, b, z, a, y), network.rule
    factors = {name: [None] * len(W) for name in FACTORS}
    dC_da = rule.cost_slope(p)
    for l in reversed(range(len(W))):
        factors["dC_da"][l] = dC_da
        factors["da_dz"][l] = rule.activation_slope(p, l)
        factors["delta"][l] = rule.unit_error(p, l, dC_da, factors["da_dz"][l])
        factors["dz_dW"][l] = rule.kernel_slope(p, l)
        factors["dz_db"][l] = rule.bias_slope(p, l)
        if l > 0:
            factors["dz_da"][l] = rule.input_slope(p, l)
            dC_da = rule.sum_over_paths(p, l, factors["delta"][l], factors["dz_da"][l])
    return factors


def kept_step(rule=None, dtype="float32", **problem):
    """`(about, step)` of a small random network; `rule` is the manual module's, the right one stands for the tape."""
    made = random_problem(sizes=(6, 5, 4, 3), batch_size=7, **problem).astype(dtype)
    right, W, b, y = made.network, made.W, made.b, made.y
    manual = dataclasses.replace(right, rule=rule or ChainRule())
    z, a = forward(right, W, b, made.x)
    tape_dW, tape_db = backward(right, W, b, z, a, y)
    dW, db = backward(manual, W, b, z, a, y)
    pairs = [pair for l in range(3) for pair in ((tape_dW[l], dW[l]), (tape_db[l], db[l]))]
    step = KeptStep(
        errors=np.array([relative_error(tape, manual, tape.ndim) for tape, manual in pairs]),
        kernels=tuple(np.stack(pair) for pair in pairs[0::2]),
        biases=tuple(np.stack(pair) for pair in pairs[1::2]),
        factors=factors_of(manual, W, b, z, a, y),
        outputs=a[-1],
        targets=y,
    )
    names = tuple(activation.name for activation in right.activations)
    return About(LAYERS, names, right.cost.name, TOLERANCE, num_steps_per_epoch=10, image_shape=(2, 3)), step


def fifteen_percent_too_much(p, l, delta, dz_dW):
    """The wrong kernel gradient of hidden_2."""
    return kernel_gradient(p, l, delta, dz_dW) * (1.15 if l == 1 else 1)


RIGHT = kept_step()
FAULTY = kept_step(ChainRule(kernel_gradient=fifteen_percent_too_much))


def write(folder, *summaries):
    """Write a run of `(step, summary)`."""
    writer = EventFileWriter(str(folder))
    for step, summary in summaries:
        writer.add_event(Event(wall_time=1e9 + step, step=step, summary=summary))
    writer.close()


def tagged(tag, tensor, data_class=DATA_CLASS_TENSOR):
    """A summary that claims to be of the tab's plugin, with any tensor."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME), data_class=data_class)
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])


def about_with(**changes):
    """The summary of a description of the run that no `About` would hold."""
    text = json.dumps(dataclasses.asdict(RIGHT[0]) | changes).encode()
    return tagged("about", TensorProto(dtype=7, string_val=[text], tensor_shape={}))  # 7: a string


def write_good_run(folder, about=RIGHT[0], step=RIGHT[1], steps=(0, 1, 12)):
    write(folder, (0, about_summary(about)), *((number, step_summary(about, step)) for number in steps))


# --- TensorBoard, with these runs -------------------------------------------------------------------------------


class Tab:
    """TensorBoard's application over a log folder, and the answers of the tab's routes."""

    def __init__(self, log_folder):
        self.log_folder = str(log_folder)
        self.multiplexer = EventMultiplexer(size_guidance={"tensors": 100})
        self.reload()
        provider = MultiplexerDataProvider(self.multiplexer, self.log_folder)
        server = program.TensorBoard(plugins=[core_plugin.CorePluginLoader(), BackpropCheck])
        server.configure(logdir=str(log_folder))
        self.client = Client(application.TensorBoardWSGIApp(server.flags, server.plugin_loaders, provider))

    def reload(self):
        self.multiplexer.AddRunsFromDirectory(self.log_folder)
        self.multiplexer.Reload()

    def get(self, route, **query):
        return self.client.get(f"{ROUTE}/{route}", query_string=query)

    def json(self, route, expected_code=200, **query):
        response = self.get(route, **query)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.mimetype == "application/json"
        assert response.status_code == expected_code, response.text
        return response.json

    def error(self, route, code, **query):
        answer = self.json(route, code, **query)
        assert list(answer) == ["error"]
        return answer["error"]


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    write_good_run(logs / "right" / "train")
    write_good_run(logs / "faulty" / "train", *FAULTY)
    return Tab(logs)


RIGHT_STEP = {"run": "right/train", "step": 12}
FAULTY_STEP = {"run": "faulty/train", "step": 12}


@pytest.fixture
def tab_of(tmp_path):
    """A function from the summaries of the run "bad" to the tab that shows it beside a good one."""

    def make(*summaries):
        write_good_run(tmp_path / "good" / "train")
        write(tmp_path / "bad", *summaries)
        return Tab(tmp_path)

    return make


# --- /runs ------------------------------------------------------------------------------------------------------


def test_a_right_run_has_no_wrong_step(tab):
    runs = {run["run"]: run for run in tab.json("runs")["runs"]}
    assert runs["right/train"] == {
        "run": "right/train",
        "name": "right",
        "steps": [0, 1, 12],
        "wrong": [],
        "error": None,
    }


def test_a_faulty_run_has_wrong_steps(tab):
    runs = {run["run"]: run for run in tab.json("runs")["runs"]}
    assert runs["faulty/train"]["wrong"] == [0, 1, 12]


def test_a_step_with_nan_is_wrong(tab_of):
    about, step = RIGHT
    nan = dataclasses.replace(step, errors=np.where(np.arange(6) == 3, np.nan, step.errors))
    tab = tab_of((0, about_summary(about)), (0, step_summary(about, nan)), (1, step_summary(about, step)))
    runs = {run["run"]: run for run in tab.json("runs")["runs"]}
    assert runs["bad"]["wrong"] == [0]


def test_the_newest_run_comes_first(tmp_path):
    for name in ("b", "c", "a"):  # one after the other
        write(tmp_path / name, (0, about_summary(RIGHT[0])))
    assert [run["run"] for run in Tab(tmp_path).json("runs")["runs"]] == ["a", "c", "b"]


def test_an_empty_log_folder_has_no_runs(tmp_path):
    assert Tab(tmp_path).json("runs") == {"runs": []}


def test_runs_of_other_plugins_are_not_listed(tmp_path):
    value = Summary.Value(tag="loss", tensor=make_tensor_proto(np.float32(1)))
    write(tmp_path / "scalars", (0, Summary(value=[value])))
    assert Tab(tmp_path).json("runs") == {"runs": []}


# --- /step ------------------------------------------------------------------------------------------------------


def test_the_verdicts_on_a_right_step(tab):
    answer = tab.json("step", **RIGHT_STEP)
    assert (answer["step"], answer["epoch"], answer["step_in_epoch"]) == (12, 2, 3)  # 12 = 1 * 10 + 2, from 0
    assert (answer["tolerance"], answer["cost"], answer["batch_size"]) == (TOLERANCE, "squared-error", 7)
    assert answer["image_shape"] == [2, 3]
    assert [layer["name"] for layer in answer["layers"]] == list(LAYERS)
    first = answer["layers"][0]
    assert (first["activation"], first["inputs"], first["units"], first["broken"]) == ("sigmoid", 6, 5, [])
    for layer in answer["layers"]:
        for kind in ("kernel", "bias"):
            assert layer[kind]["agrees"]
            assert not layer[kind]["rounding"]


def test_the_verdict_on_a_faulty_kernel(tab):
    layers = tab.json("step", **FAULTY_STEP)["layers"]
    agree = {layer["name"]: (layer["kernel"]["agrees"], layer["bias"]["agrees"]) for layer in layers}
    assert agree == {"hidden_1": (True, True), "hidden_2": (False, True), "output": (True, True)}
    assert layers[1]["kernel"]["error"] == pytest.approx(0.15 / 1.15, rel=1e-4)  # |g - 1.15 g| / |1.15 g|
    assert "kernel gradient is not the mean" in layers[1]["broken"][0]


def test_a_gradient_that_agrees_only_but_for_rounding_says_so(tab_of):
    about, step = RIGHT
    kernels = (np.stack([step.kernels[0][0] * np.float32(1.001), step.kernels[0][1]]), *step.kernels[1:])
    step = dataclasses.replace(step, kernels=kernels)  # its error stays that of the check: within the tolerance
    tab = tab_of((0, about_summary(about)), (0, step_summary(about, step)))
    kernel = tab.json("step", run="bad", step=0)["layers"][0]["kernel"]
    assert kernel["agrees"]
    assert kernel["rounding"]
    assert kernel["plain_error"] == pytest.approx(1e-3, rel=1e-2)


def test_numbers_that_are_not_finite_survive(tab_of):
    about, step = RIGHT
    errors = np.array([np.nan, np.inf, 0, 0, 0, 0])
    tab = tab_of((0, about_summary(about)), (0, step_summary(about, dataclasses.replace(step, errors=errors))))
    layer = tab.json("step", run="bad", step=0)["layers"][0]
    assert (layer["kernel"]["error"], layer["bias"]["error"]) == ("NaN", "Infinity")
    assert not layer["kernel"]["agrees"]
    assert not layer["bias"]["agrees"]


def test_runs_asked_for_in_turn_are_not_mixed_up(tab):
    for query, agrees in ((RIGHT_STEP, True), (FAULTY_STEP, False), (RIGHT_STEP, True)):
        assert tab.json("step", **query)["layers"][1]["kernel"]["agrees"] is agrees


def test_a_step_that_is_written_later_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "FRESH_SECONDS", 0.0)
    writer = EventFileWriter(str(tmp_path / "run"))
    for step, summary in ((0, about_summary(RIGHT[0])), (0, step_summary(*RIGHT))):
        writer.add_event(Event(wall_time=1e9, step=step, summary=summary))
    writer.flush()
    tab = Tab(tmp_path)
    assert tab.json("step", run="run", step=0)["step"] == 0
    tab.error("step", 404, run="run", step=1)
    writer.add_event(Event(wall_time=1e9 + 1, step=1, summary=step_summary(*FAULTY)))
    writer.close()
    tab.reload()
    assert tab.json("runs")["runs"][0]["steps"] == [0, 1]
    assert not tab.json("step", run="run", step=1)["layers"][1]["kernel"]["agrees"]


# --- /gradients and /inputs -------------------------------------------------------------------------------------


def test_gradients_are_tape_and_manual_of_kernel_and_bias(tab):
    response = tab.get("gradients", **FAULTY_STEP, layer=1)
    assert response.mimetype == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    numbers = np.frombuffer(response.data, "<f8")
    step = FAULTY[1]
    np.testing.assert_array_equal(numbers, np.concatenate([step.kernels[1].ravel(), step.biases[1].ravel()]))


def test_gradients_of_no_such_layer(tab):
    assert tab.error("gradients", 404, **FAULTY_STEP, layer=3) == "layer is 3; expected 0 to 2"


def test_inputs_are_those_of_the_first_layer(tab):
    numbers = np.frombuffer(tab.get("inputs", **RIGHT_STEP).data, "<f8")
    np.testing.assert_array_equal(numbers, RIGHT[1].factors["dz_dW"][0].ravel())


def test_inputs_of_no_such_step(tab):
    assert "the kept steps are: 0, 1, 12" in tab.error("inputs", 404, run="right/train", step=2)


# --- /weight ----------------------------------------------------------------------------------------------------


def test_a_hidden_weight_is_explained_by_its_paths(tab):
    answer = tab.json("weight", **RIGHT_STEP, layer=1, unit=2, input=3)
    step = RIGHT[1]
    assert (answer["layer"], answer["unit"], answer["input"], answer["activation"]) == ("hidden_2", 2, 3, "sigmoid")
    dC_da, da_dz, a = (np.float64(step.factors[name][1]) for name in ("dC_da", "da_dz", "dz_dW"))
    np.testing.assert_allclose(answer["product"], dC_da[:, 2] * da_dz[:, 2] * a[:, 3])
    assert answer["mean"] == pytest.approx(float(step.kernels[1][1][3, 2]), rel=1e-4)
    assert answer["manual"] == float(step.kernels[1][1][3, 2])
    assert answer["tape"] == float(step.kernels[1][0][3, 2])
    assert answer["origin"]["layer"] == "output"
    np.testing.assert_allclose(np.sum(answer["origin"]["terms"], axis=1), answer["dC_da"], rtol=1e-5)
    assert answer["agrees"]
    assert answer["broken"] == answer["broken_later"] == []


def test_a_bias_is_explained_without_an_input(tab):
    answer = tab.json("weight", **RIGHT_STEP, layer=2, unit=1)
    assert answer["input"] is None
    assert answer["dz_dw"] == [1.0] * 7
    assert answer["manual"] == float(RIGHT[1].biases[2][1][1])
    assert answer["origin"]["cost"] == "squared-error"
    np.testing.assert_allclose(answer["origin"]["slope"], answer["dC_da"], rtol=1e-4)


def test_a_faulty_weight_says_which_link_is_broken(tab):
    answer = tab.json("weight", **FAULTY_STEP, layer=1, unit=2, input=3)
    assert answer["manual"] == pytest.approx(1.15 * answer["mean"], rel=1e-4)
    assert answer["holds"]["kernel"] is False
    assert answer["broken"] == [
        "hidden_2: the manual kernel gradient is not the mean of delta times dz/dw over the batch"
    ]
    assert not answer["agrees"]
    assert "broken here" in answer["conclusion"]


def test_the_bias_beside_a_faulty_kernel_is_right(tab):
    answer = tab.json("weight", **FAULTY_STEP, layer=1, unit=2)
    assert answer["agrees"]
    assert answer["broken"] == []
    assert set(answer["holds"]) == {"dC_da", "da_dz", "delta", "dz_db", "bias"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"layer": 3, "unit": 0}, "layer is 3; expected 0 to 2"),
        ({"layer": 0, "unit": 5}, "unit is 5; expected 0 to 4"),
        ({"layer": 0, "unit": 0, "input": 6}, "input is 6; expected 0 to 5"),
    ],
)
def test_no_such_weight(tab, query, message):
    assert tab.error("weight", 404, **RIGHT_STEP, **query) == message


@pytest.mark.parametrize("text", ["", "one", "-1", "1.0", "１", "9" * 5000])
@pytest.mark.parametrize("name", ["step", "layer", "unit", "input"])
def test_what_is_not_an_index(tab, name, text):
    query = RIGHT_STEP | {"layer": 0, "unit": 0, "input": 0} | {name: text}
    assert f"{name} is {text!r}; expected a whole number" in tab.error("weight", 400, **query)


@pytest.mark.parametrize("name", ["run", "step", "layer", "unit"])
def test_a_query_that_lacks_something(tab, name):
    query = RIGHT_STEP | {"layer": 0, "unit": 0}
    del query[name]
    assert f"the query has no {name!r}" in tab.error("weight", 400, **query)


def test_no_such_run(tab):
    message = tab.error("step", 404, run="<b>other</b>", step=0)
    assert "there is no run '<b>other</b>'" in message
    assert "right/train" in message


# --- the files of the page, and the short link ------------------------------------------------------------------


@pytest.mark.parametrize("name", STATIC_FILES)
def test_files_of_the_page_are_served(tab, name):
    response = tab.get(name)
    assert response.status_code == 200
    assert response.mimetype == ("text/css" if name.endswith(".css") else "text/javascript")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.data


@pytest.mark.parametrize("name", ["format.py", "../plugin.py", "static/index.js", "%2e%2e/plugin.py", "index.js/x"])
def test_no_other_file_is_served(tab, name):
    assert tab.get(name).status_code == 404


def test_the_short_link_pins_charts(tab):
    response = tab.get("open")
    assert response.status_code == 302
    assert not set(response.headers["Location"]) & set(' "[]{}')  # what an address cannot hold as it is
    address = urllib.parse.urlsplit(response.headers["Location"])
    query = urllib.parse.parse_qs(address.query)
    assert (address.netloc, address.path, address.fragment) == ("", "/", "timeseries")
    assert json.loads(query["pinnedCards"][0]) == [{"plugin": "scalars", "tag": tag} for tag in PINNED]
    assert query["smoothing"] == ["0"]


def test_tensorboard_lists_the_tab(tab):
    listed = tab.client.get("/data/plugins_listing").json[PLUGIN_NAME]
    assert listed["tab_name"] == "Backprop check"
    assert listed["enabled"]


def test_tensorboard_lists_the_tab_as_inactive_where_there_is_nothing_to_show(tmp_path):
    listed = Tab(tmp_path).client.get("/data/plugins_listing").json[PLUGIN_NAME]
    assert not listed["enabled"]


def test_the_plugin_needs_no_tensorflow():
    code = "import sys; import backprop_check.plugin; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- runs that are not as they should be ------------------------------------------------------------------------


def state_of(tab):
    """What /runs says of the run "bad"; the good one beside it is as ever."""
    runs = {run["run"]: run for run in tab.json("runs")["runs"]}
    assert runs["good/train"]["steps"] == [0, 1, 12]
    assert runs["good/train"]["error"] is None
    return runs["bad"]


def test_a_run_without_steps_yet(tab_of):
    tab = tab_of((0, about_summary(RIGHT[0])))
    assert state_of(tab) == {"run": "bad", "name": "bad", "steps": [], "wrong": [], "error": None}
    assert "none yet" in tab.error("step", 404, run="bad", step=0)


def test_a_run_without_about(tab_of):
    tab = tab_of((0, step_summary(*RIGHT)))
    assert "no tag `about`" in state_of(tab)["error"]
    assert "no tag `about`" in tab.error("step", 400, run="bad", step=0)


BAD_ABOUTS = {
    "numbers": (tagged("about", make_tensor_proto(np.zeros((2, 2), np.float32))), "cannot be read"),
    "not JSON": (tagged("about", TensorProto(dtype=7, string_val=[b"\xff{"], tensor_shape={})), "cannot be read"),
    "very deep": (
        tagged("about", TensorProto(dtype=7, string_val=[b"[" * 100_000], tensor_shape={})),
        "cannot be read",
    ),
    "a list": (tagged("about", TensorProto(dtype=7, string_val=[b"[]"], tensor_shape={})), "cannot be read"),
    "no layers": (about_with(layers=[], activations=[]), "one or more layers"),
    "too few activations": (about_with(activations=["sigmoid"]), "one activation for each"),
    "two layers of a name": (about_with(layers=["a", "a", "b"]), "one activation for each"),
    "no steps in an epoch": (about_with(num_steps_per_epoch=0), "expected 1 or more"),
    "endless epochs": (about_with(num_steps_per_epoch=float("inf")), "cannot be read"),
    "a shape below zero": (about_with(image_shape=[-2, -3]), "expected 1 or more"),
    "a shape of three": (about_with(image_shape=[1, 2, 3]), "cannot be read"),
    "a type that is none": (tagged("about", TensorProto(dtype=99)), "TensorBoard cannot read"),
}


@pytest.mark.parametrize("name", BAD_ABOUTS)
def test_a_run_with_another_about(tab_of, name):
    summary, message = BAD_ABOUTS[name]
    tab = tab_of((0, summary), (0, step_summary(*RIGHT)))
    assert message in state_of(tab)["error"]
    assert "train again" in state_of(tab)["error"]
    assert message in tab.error("step", 400, run="bad", step=0)


BAD_ERRORS = {
    "too few": make_tensor_proto(np.zeros(4)),
    "one number": make_tensor_proto(np.float64(0)),
    "whole numbers": make_tensor_proto(np.zeros(6, np.int32)),
    "strings": TensorProto(dtype=7, string_val=[b"a"] * 6, tensor_shape={"dim": [{"size": 6}]}),
}


@pytest.mark.parametrize("name", BAD_ERRORS)
def test_a_run_with_other_errors(tab_of, name):
    tab = tab_of((0, about_summary(RIGHT[0])), (0, tagged("errors", BAD_ERRORS[name])))
    assert "expected floating-point numbers (6,)" in state_of(tab)["error"]
    assert "expected floating-point numbers (6,)" in tab.error("step", 400, run="bad", step=0)


def test_errors_of_no_type(tab_of):
    tab = tab_of((0, about_summary(RIGHT[0])), (0, tagged("errors", TensorProto(dtype=99))))
    assert "TensorBoard cannot read" in state_of(tab)["error"]
    assert "TensorBoard cannot read" in tab.error("step", 400, run="bad", step=0)


def without(summary, tag):
    return Summary(value=[value for value in summary.value if value.tag != tag])


@pytest.mark.parametrize("tag", [tag for tag in step_tags(RIGHT[0]) if tag != "errors"])
def test_a_step_that_lacks_a_tag(tab_of, tag):
    tab = tab_of((0, about_summary(RIGHT[0])), (0, without(step_summary(*RIGHT), tag)))
    assert state_of(tab)["steps"] == [0]
    message = tab.error("step", 400, run="bad", step=0)
    assert f"no tag {tag} at step 0" in message
    for route in ("gradients", "weight", "inputs"):
        assert tab.error(route, 400, run="bad", step=0, layer=0, unit=0) == message


@pytest.mark.parametrize("shape", [(), (1,), (2, 2), (2, 6, 5, 1), (0,), (2, 0, 0)])
@pytest.mark.parametrize("tag", [tag for tag in step_tags(RIGHT[0]) if tag != "errors"])
def test_a_step_with_another_shape(tag, shape):
    about, step = RIGHT
    tensors = arrays_of(about, step) | {tag: np.zeros(shape, np.float32)}
    with pytest.raises(FormatError, match="expected"):
        read_step(about, tensors.__getitem__)


@pytest.mark.parametrize("tag", [tag for tag in step_tags(RIGHT[0]) if tag != "errors"])
def test_a_step_with_whole_numbers(tag):
    about, step = RIGHT
    tensors = arrays_of(about, step)
    tensors[tag] = tensors[tag].astype(np.int32)
    with pytest.raises(FormatError, match=f"{tag} is int32"):
        read_step(about, tensors.__getitem__)


def test_a_step_with_the_right_shapes():
    about, step = RIGHT
    read = read_step(about, arrays_of(about, step).__getitem__)
    np.testing.assert_array_equal(read.kernels[1], step.kernels[1])


def arrays_of(about, step):
    """By tag, what TensorBoard gives back."""
    return {value.tag: make_ndarray(value.tensor) for value in step_summary(about, step).value}


def test_a_foreign_shape_is_named_by_all_routes(tab_of):
    foreign = tagged("outputs", make_tensor_proto(np.zeros((2, 2), np.int32)))
    summary = without(step_summary(*RIGHT), "outputs")
    summary.MergeFrom(foreign)
    tab = tab_of((0, about_summary(RIGHT[0])), (0, summary))
    for route in ("step", "gradients", "weight", "inputs"):
        assert "outputs is int32 (2, 2)" in tab.error(route, 400, run="bad", step=0, layer=0, unit=0)


def test_images_of_another_size(tab_of):
    about = dataclasses.replace(RIGHT[0], image_shape=(28, 28))
    tab = tab_of((0, about_summary(about)), (0, step_summary(about, RIGHT[1])))
    assert "images are (28, 28)" in tab.error("step", 400, run="bad", step=0)


def test_tags_of_another_program(tab_of):
    tab = tab_of((0, tagged("pictures", make_tensor_proto(np.zeros(3)))))
    assert "no tag `about`" in state_of(tab)["error"]


def test_a_run_that_was_cut_off_while_writing(tmp_path):
    write_good_run(tmp_path / "good" / "train")
    write_good_run(tmp_path / "bad", steps=(0, 1))
    [file] = (tmp_path / "bad").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    tab = Tab(tmp_path)
    assert state_of(tab)["steps"] == [0]  # what was written whole
    assert tab.json("step", run="bad", step=0)["layers"][0]["kernel"]["agrees"]
    assert "the kept steps are: 0" in tab.error("step", 404, run="bad", step=1)


def test_gradients_that_are_not_finite(tab_of):
    about, step = kept_step()
    step.kernels[0][:, 0, 0] = np.nan, np.inf
    step.factors["da_dz"][0][0, 0] = np.nan
    tab = tab_of((0, about_summary(about)), (0, step_summary(about, step)))
    answer = tab.json("weight", run="bad", step=0, layer=0, unit=0, input=0)
    assert (answer["tape"], answer["manual"], answer["mean"]) == ("NaN", "Infinity", "NaN")
    tab.json("step", run="bad", step=0)


# --- the chain rule ---------------------------------------------------------------------------------------------


def chain(**changes):
    """`(about, step)` of one unit a layer, one sample, float64, by hand. The input is 1.

    Sigmoids with w = 0 and b = 0 in the first layer, w = 2 and b = -1 in the second, so z = 0, a = 1/2, z = 2 / 2 - 1 =
    0, a = 1/2; the target is 1.

    Output:  dC/da = 2 (1/2 - 1) = -1       da/dz = 1/2 (1 - 1/2) = 1/4    delta = -1/4
             dC/dw = -1/4 * 1/2 = -1/8      dC/db = -1/4
    Hidden:  dC/da = -1/4 * 2 = -1/2        da/dz = 1/4                    delta = -1/8
             dC/dw = -1/8 * 1 = -1/8        dC/db = -1/8
    """
    about = About(("hidden_1", "output"), ("sigmoid", "sigmoid"), "squared-error", 1e-12, 10)
    values = {
        "dC_da": (-1 / 2, -1.0),
        "da_dz": (1 / 4, 1 / 4),
        "delta": (-1 / 8, -1 / 4),
        "dz_dW": (1.0, 1 / 2),
        "dz_db": (1.0, 1.0),
        "dz_da": (None, 2.0),
        "kernel": (-1 / 8, -1 / 8),
        "bias": (-1 / 8, -1 / 4),
    } | changes
    factors = {
        name: tuple(None if value is None else np.array([[value]]) for value in values[name]) for name in FACTORS
    }
    step = KeptStep(
        errors=np.zeros(4),
        kernels=tuple(np.full((2, 1, 1), value) for value in values["kernel"]),
        biases=tuple(np.full((2, 1), value) for value in values["bias"]),
        factors=factors,
        outputs=np.array([[1 / 2]]),
        targets=np.array([[1.0]]),
    )
    return about, step


def test_every_link_of_the_chain_by_hand_holds():
    for layer in (0, 1):
        assert chain_rule.broken_links(*chain(), layer) == []


@pytest.mark.parametrize(
    ("changes", "layer", "message"),
    [
        ({"dC_da": (-1 / 2, -1 / 2)}, 1, "output: dC/da is not the slope of the squared-error cost"),  # without the 2
        ({"da_dz": (1 / 4, 1 / 2)}, 1, "output: da/dz is not the slope of sigmoid at the network's outputs"),
        ({"delta": (-1 / 8, 1 / 4)}, 1, "output: delta is not dC/da times da/dz"),  # the wrong sign
        ({"kernel": (-1 / 8, -1 / 4)}, 1, "output: the manual kernel gradient is not the mean"),
        ({"bias": (-1 / 8, 1 / 4)}, 1, "output: the manual bias gradient is not the mean"),
        ({"dz_db": (1.0, 0.0)}, 1, "output: dz/db is not 1"),
        ({"dC_da": (1 / 2, -1.0)}, 0, "hidden_1: dC/da is not the sum over the paths through output"),
        ({"da_dz": (1 / 2, 1 / 4)}, 0, "hidden_1: da/dz is not the slope of sigmoid at the activations that enter out"),
    ],
)
def test_a_link_that_does_not_hold_is_named(changes, layer, message):
    assert chain_rule.broken_links(*chain(**changes), layer)[0].startswith(message)


def test_a_hidden_weight_by_hand():
    found = chain_rule.explain(*chain(), layer=0, unit=0, input=0)
    assert (found.product[0], found.mean, found.manual, found.tape) == (-1 / 8, -1 / 8, -1 / 8, -1 / 8)
    assert (found.origin.delta[0, 0], found.origin.weights[0], found.origin.terms[0, 0]) == (-1 / 4, 2.0, -1 / 2)
    assert "agrees" in found.conclusion


def test_an_output_weight_by_hand():
    found = chain_rule.explain(*chain(), layer=1, unit=0, input=0)
    assert (found.dC_da[0], found.da_dz[0], found.dz_dw[0], found.product[0]) == (-1.0, 1 / 4, 1 / 2, -1 / 8)
    assert (found.origin.a[0], found.origin.y[0], found.origin.slope[0]) == (1 / 2, 1.0, -1.0)


def test_an_error_of_a_later_layer_is_told_to_the_weights_before():
    about, step = chain(delta=(-1 / 16, -1 / 8), dC_da=(-1 / 4, -1.0), kernel=(-1 / 16,) * 2, bias=(-1 / 16, -1 / 8))
    step = dataclasses.replace(step, errors=np.ones(4))  # delta is half of what it should be, from the output on
    found = chain_rule.explain(about, step, layer=0, unit=0, input=0)
    assert found.broken == []
    assert found.broken_later == ["output: delta is not dC/da times da/dz"]
    assert "later layer" in found.conclusion


def test_a_wrong_factor_that_no_link_can_tell():
    """The manual module took w = 4 for 2, on all of its way: only the tape knows better."""
    about, step = chain(
        dz_da=(None, 4.0), dC_da=(-1.0, -1.0), delta=(-1 / 4,) * 2, kernel=(-1 / 4, -1 / 8), bias=(-1 / 4,) * 2
    )
    step = dataclasses.replace(step, errors=np.array([1.0, 1.0, 0.0, 0.0]))
    found = chain_rule.explain(about, step, layer=0, unit=0, input=0)
    assert found.broken == found.broken_later == []
    assert "starts from must be wrong" in found.conclusion


def test_the_cross_entropy_slope_by_hand():
    """Logits log 3 and 0: softmax 3/4 and 1/4; with the target (1, 0) the slopes are -1/4 and 1/4."""
    plus, minus = chain_rule.COST_SLOPES["cross-entropy"](np.array([[np.log(3), 0.0]]), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(plus - minus, [[-1 / 4, 1 / 4]])


@pytest.mark.parametrize(
    ("name", "a", "slope"),
    [("sigmoid", 0.25, 0.1875), ("tanh", 0.5, 0.75), ("relu", 3, 1), ("relu", 0, 0), ("linear", 7, 1)],
)
def test_activation_slopes_by_hand(name, a, slope):
    """1/4 * (1 - 1/4) = 3/16; 1 - (1/2)^2 = 3/4; a ReLU is on or off; a line rises by 1."""
    plus, minus = chain_rule.ACTIVATION_SLOPES[name](np.array([float(a)]))
    assert plus - minus == slope


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("cost", ["squared-error", "cross-entropy"])
def test_right_chains_hold_whatever_the_network(dtype, activation, cost):
    for seed in range(20):
        about, step = kept_step(dtype=dtype, activation=activation, cost=cost, seed=seed, scale=3.0)
        assert [chain_rule.broken_links(about, step, l) for l in range(3)] == [[], [], []]


def test_an_unknown_cost_and_activation_are_left_out():
    about, step = RIGHT
    about = dataclasses.replace(about, cost="hinge", activations=("swish",) * 3)
    assert chain_rule.broken_links(about, step, 2) == []
    assert chain_rule.explain(about, step, 2, 0, 0).origin.slope is None


# --- the verdict ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tape", "manual", "error"),
    [([3, 4.5], [3, 4], 0.1), ([0, 0], [0, 0], 0.0), ([1, 0], [0, 0], np.inf), ([np.nan, 0], [1, 0], np.nan)],
)
def test_relative_error_by_hand(tape, manual, error):
    """(3, 4) has the norm 5, and 0.5 / 5 = 0.1."""
    assert verdict.relative_error(np.array(tape, float), np.array(manual, float)) == pytest.approx(error, nan_ok=True)
