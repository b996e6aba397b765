"""The command `explain.py` on small runs of made images: what it prints, and whatever a user may do wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest

import explain
import train
from backprop.network import ChainRule, Network, backward, forward
from backprop.numeric import complex_step, cost_of_parameters
from config import Config
from microscope.loading import find_run, load_run
from models.mlp import build_mlp
from tests.made import made_images

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file of made images, as a user's own data."""
    path = tmp_path_factory.mktemp("data") / "made.npz"
    np.savez(path, **made_images(num_train=330))
    return path


def trained(data, logs, **options):
    """The folder of a short run."""
    config = Config(**({"epochs": 2, "hidden": (6, 5), "data": data, "logs": logs} | options))
    return train.train(config, console=train.runs.Output(quiet=True)).folder


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The folder of a finished run that no test changes."""
    return trained(data, tmp_path_factory.mktemp("run") / "logs")


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(finished, tmp_path / "logs" / "spoilt"))


@pytest.fixture
def call(capsys):
    """Call main with these options; returns (exit status, output, error output)."""

    def run(*options):
        status = explain.main([*map(str, options)])
        return (status, *capsys.readouterr())

    return run


def derivations(out):
    """The numbers of the last table, by name."""
    names = "the factors' product|backprop.backward|TensorFlow's tape|complex step"
    found = re.findall(rf"^({names}).*?  +(\S+)  ", out, flags=re.MULTILINE)
    return {name: float(value) for name, value in found}


# --- good runs --------------------------------------------------------------------------------------------------


def test_without_options_the_largest_gradient_of_the_first_layer_in_the_first_batch(call, finished, data):
    status, out, err = call("--logs", finished.parent)
    assert (status, err) == (0, "")
    assert f"Run {finished}, as trained: 784-6-5-10, sigmoid, squared-error" in " ".join(out.split())
    assert "Chosen for its gradient, the largest of the layer's weights." in out
    assert "32 images of the train set, the run's first batch" in out
    assert "They agree: the largest difference is" in out

    # the same without explain.py: the batch in which the run began, at the weights with which it ended
    stored = np.load(data)
    rows = np.random.default_rng([0, 0]).permutation(330)[:32]
    x, y = (stored["x_train"][rows].reshape(32, 784) / 255).astype("float32"), np.eye(10)[stored["y_train"][rows]]
    weights = [w.astype(float) for w in keras.models.load_model(finished / "model.keras", compile=False).get_weights()]
    network = Network.from_names(["sigmoid"] * 3, "squared-error")
    z, a = forward(network, weights[0::2], weights[1::2], x.astype(float))
    dW, _ = backward(network, weights[0::2], weights[1::2], z, a, y)
    k, j = np.unravel_index(np.abs(dW[0]).argmax(), dW[0].shape)
    row, column = divmod(int(k), 28)
    assert out.startswith(f"w_{j},{k} of hidden_1 = ")
    assert f"from pixel {k} (row {row}, column {column}) to unit {j}\n" in out
    values = derivations(out)
    assert len(values) == 4
    np.testing.assert_allclose(list(values.values()), dW[0][k, j], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "tanh"},
        {"activation": "relu", "cost": "cross-entropy", "learning_rate": 0.1},
        {"activation": "relu"},
        {"hidden": ()},
        {"hidden": (), "cost": "cross-entropy", "learning_rate": 0.1},
        {"hidden": (300,), "epochs": 1},
        {"hidden": (4, 4, 4, 4), "activation": "tanh"},
        {"dtype": "float64"},
        {"batch_size": "full"},
        {"batch_size": 1, "epochs": 1},
        {"schedule": "cosine"},
    ],
    ids=str,
)
def test_each_kind_of_run(call, data, tmp_path, options):
    folder = trained(data, tmp_path / "logs", **options)
    run = load_run(folder)
    for layer, *choice in (
        (run.layer_names[0],),
        (run.layer_names[0], "--bias", "--weights", "first"),
        (run.layer_names[-2:][0], "--set", "test", "--images", 3),
        ("output", "--set", "test"),
    ):
        status, out, err = call("--run", folder, "--layer", layer, *choice)
        assert (status, err) == (0, "")
        assert "They agree" in out
        assert all(len(line) <= 80 or str(folder) in line for line in out.splitlines())


def test_one_image_and_one_weight(call, finished):
    status, out, err = call("--run", finished, "--layer", "hidden_2", "--from", 3, "--to", 1, "--images", 17)
    assert (status, err) == (0, "")
    assert re.match(r"w_1,3 of hidden_2 = \S+, from unit 3 of hidden_1 to unit 1\n", out)
    assert "Chosen" not in out
    assert re.search(r"^1 image of the train set; cost C = \S+$", out, flags=re.MULTILINE)
    digit = made_images(num_train=330)["y_train"][17]
    assert f"Image 17, a {digit}. The network answers " in out
    assert "mean of the images" not in out


def test_the_gradient_of_an_image_is_what_a_complex_step_of_its_cost_says(call, finished):
    """Of the output layer's biases, of which there are few."""
    run = load_run(finished)
    x, y = (array.astype(float) for array in run.batch("test", np.array([7])))
    cost = cost_of_parameters(run.network, x, y)
    gradients = complex_step(lambda last: cost([*run.W, *run.b[:-1], *last]), run.b[-1:])
    for to in range(0, 10, 3):
        _, out, _ = call("--run", finished, "--set", "test", "--images", 7, "--layer", "output", "--bias", "--to", to)
        np.testing.assert_allclose(list(derivations(out).values()), gradients[-1][to], rtol=1e-11)


def test_a_batch_is_the_mean_of_its_images(call, finished):
    weight = ("--run", finished, "--layer", "hidden_2", "--from", 0, "--to", 4)
    values = [derivations(call(*weight, "--images", *images)[1]) for images in ((5, 6, 300), (5,), (6,), (300,))]
    for name, mean in values[0].items():
        assert mean == pytest.approx(np.mean([one[name] for one in values[1:]]), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", 2), "Chosen for its gradient, the largest of those to unit 2."),
        (("--from", 300), "Chosen for its gradient, the largest of those from pixel 300."),
        (("--bias",), "Chosen for its gradient, the largest of the layer's biases."),
    ],
    ids=str,
)
def test_what_is_left_open_is_chosen_by_the_largest_gradient(call, finished, options, said):
    _, out, _ = call("--run", finished, *options)
    assert said in out
    chosen = abs(derivations(out)["backprop.backward"])
    run = load_run(finished)
    x, y = (array.astype(float) for array in run.batch("train", run.first_batch("train")))
    z, a = forward(run.network, run.W, run.b, x)
    dW, db = backward(run.network, run.W, run.b, z, a, y)
    among = {"--to": dW[0][:, 2], "--from": dW[0][300], "--bias": db[0]}[options[0]]
    assert chosen == pytest.approx(np.abs(among).max(), rel=1e-12)


def test_the_first_weights_are_those_with_which_the_run_began(call, data, tmp_path):
    folder = trained(data, tmp_path / "logs", seed=4)
    first, last = load_run(folder, "first"), load_run(folder)
    began = build_mlp(hidden=(6, 5), seed=4).get_weights()
    for array, expected in zip([*first.W, *first.b], [*began[0::2], *began[1::2]], strict=True):
        np.testing.assert_array_equal(array, expected)
    assert not np.array_equal(first.W[0], last.W[0])
    outs = [call("--run", folder, "--bias", "--to", 0, "--weights", which)[1] for which in ("first", "trained")]
    assert "as it began: " in outs[0]
    assert "b_0 of hidden_1 = 0," in outs[0]  # biases begin at zero
    assert "b_0 of hidden_1 = 0," not in outs[1]


def test_the_run_is_the_newest_or_named_by_its_folders_name(finished, tmp_path):
    logs = tmp_path / "logs"
    for name, age in (("b", 30), ("c", 10), ("a", 20)):
        shutil.copytree(finished, logs / name)
        seconds = (logs / name / "model.keras").stat().st_mtime - age
        os.utime(logs / name / "model.keras", (seconds, seconds))
    (logs / "d").mkdir()  # still training
    assert find_run(None, logs) == logs / "c"
    assert find_run(Path("b"), logs) == logs / "b"
    assert find_run(logs / "a", tmp_path) == logs / "a"


def test_data_that_have_moved_are_found_where_the_user_says(call, copy, data, tmp_path):
    moved = tmp_path / "moved.npz"
    shutil.copy(data, moved)
    edit_config(copy, data=str(tmp_path / "gone.npz"))
    status, _, err = call("--run", copy)
    assert status == 2
    assert err.endswith("gone.npz does not exist; say where they are now with --data PATH.\n")
    status, out, err = call("--run", copy, "--data", moved)
    assert (status, err) == (0, "")
    assert "They agree" in out


# --- disagreement -----------------------------------------------------------------------------------------------


def test_a_mistake_in_the_manual_module_ends_with_1_and_is_named(call, finished, monkeypatch):
    wrong, right = ChainRule(cost_slope=lambda p: p.a[-1] - p.y), train.manual_network
    monkeypatch.setattr(
        train, "manual_network", lambda config: Network(right(config).activations, right(config).cost, wrong)
    )
    status, out, err = call("--run", finished)
    assert (status, err) == (1, "")
    assert out.count("DIFFERS") == 2  # the product and the backward pass; the tape agrees
    assert re.search(r"TensorFlow's tape .* agrees$", out, flags=re.MULTILINE)
    assert "They DISAGREE: the largest difference is 5.0e-01, the tolerance 1e-12." in out
    assert re.search(r"First wrong on the way from the cost: dC/da_\d of output, by\s+cost_slope", out)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        (
            "kernel_slope",
            lambda p, l: p.a[l + 1],
            "kernel_slope of layer 2, from 0, gives shape (32, 10); expected (32, 5)",
        ),
        ("input_slope", lambda p, l: p.W[l].T, "the backward pass stops: matmul"),
    ],
)
def test_a_manual_module_that_cannot_go_on_is_one_line(call, finished, monkeypatch, name, wrong, message):
    right = train.manual_network
    monkeypatch.setattr(
        train,
        "manual_network",
        lambda config: Network(right(config).activations, right(config).cost, ChainRule(**{name: wrong})),
    )
    status, out, err = call("--run", finished)
    assert (status, out) == (1, "")
    assert err.startswith(f"explain.py: the manual module cannot give this gradient: {message}")
    assert err.count("\n") == 1


def test_a_mistake_in_the_tapes_model_ends_with_1(call, finished, monkeypatch):
    monkeypatch.setattr("microscope.loading.build_loss", lambda *_: keras.losses.MeanSquaredError(dtype="float64"))
    status, out, _ = call("--run", finished)
    assert status == 1
    assert re.search(r"TensorFlow's tape .* 9\.0e-01  DIFFERS$", out, flags=re.MULTILINE)  # a tenth of the cost
    assert out.count("DIFFERS") == 1


# --- bad input --------------------------------------------------------------------------------------------------


def edit_config(folder, **changes):
    file = folder / "config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"config": content["config"] | changes}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--layer", "hiden_1"),
            "--layer is 'hiden_1'; expected one of: hidden_1, hidden_2, output. Did you mean",
        ),
        (("--layer", "hidden_3"), "--layer is 'hidden_3'; expected one of: hidden_1, hidden_2, output."),
        (("--from", "784"), "--from is 784; hidden_1 has 784 inputs: expected 0 to 783."),
        (("--layer", "output", "--from", "5"), "--from is 5; output has 5 inputs: expected 0 to 4."),
        (("--from", "-1"), "--from is -1; hidden_1 has 784 inputs: expected 0 to 783."),
        (("--to", "6"), "--to is 6; hidden_1 has 6 units: expected 0 to 5."),
        (("--bias", "--to", "6"), "--to is 6; hidden_1 has 6 units: expected 0 to 5."),
        (("--images", "330"), "--images is 330; the train set has 330 images: expected 0 to 329."),
        (("--images", "2", "-1"), "--images is -1; the train set has 330 images: expected 0 to 329."),
        (("--set", "test", "--images", "60"), "--images is 60; the test set has 60 images: expected 0 to 59."),
        (("--set", "tests"), "--set is 'tests'; expected one of: train, test. Did you mean 'test'?"),
        (("--weights", "frist"), "--weights is 'frist'; expected one of: trained, first. Did you mean 'first'?"),
        (("--bias", "--from", "2"), "--from is given with --bias; a bias comes from no unit: leave one of them out."),
        (("--data", "nowhere"), "--data nowhere does not exist; expected"),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_bad_options_are_one_clear_line(call, finished, options, message):
    status, out, err = call("--run", finished, *options)
    assert (status, out) == (2, "")
    assert err.startswith(f"explain.py: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("options", [("--from", "x"), ("--imags", "1"), ("more",)], ids=" ".join)
def test_what_the_parser_refuses(options, capsys):
    with pytest.raises(SystemExit) as caught:
        explain.main(list(options))
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_no_run(call, tmp_path):
    for logs in (tmp_path, tmp_path / "nowhere"):
        status, out, err = call("--logs", logs)
        assert (status, out) == (2, "")
        assert err.startswith(f"explain.py: {logs} holds no finished run; expected a folder in it with a model.keras.")
        assert err.count("\n") == 1


def test_a_run_that_does_not_exist_with_the_nearest_that_does(call, copy):
    status, _, err = call("--run", "spoild", "--logs", copy.parent)
    assert status == 2
    assert err == (
        f"explain.py: --run spoild does not exist; expected the folder of a finished run. Did you mean {str(copy)!r}?\n"
    )
    _, _, err = call("--run", "nothing-like-it", "--logs", copy.parent)
    assert "Did you mean" not in err


def test_a_run_without_a_trained_network(call, copy):
    (copy / "model.keras").unlink()
    (copy / "summary.json").write_text(json.dumps({"status": "GradientMismatch"}))
    status, _, err = call("--run", copy)
    assert status == 2
    assert err == (
        f"explain.py: --run {copy} has no trained network (model.keras): it ended with GradientMismatch; "
        "choose a run that has ended.\n"
    )
    (copy / "summary.json").write_text("{")
    assert "(model.keras); choose" in call("--run", copy)[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON with the entry config."),
        ("[1]", "expected JSON with the entry config."),
        ("{}", "expected JSON with the entry config."),
        ("[" * 100_000, "expected JSON with the entry config."),
        ("\xff", "expected JSON with the entry config."),
        ('{"config": 3}', "config: "),
        ('{"config": {"hidden": 3}}', "hidden: "),
        ('{"config": {"hidden": ["a"]}}', "hidden: "),
        ('{"config": {"activation": "sigmod"}}', "--activation is 'sigmod'; expected one of"),
        (None, "cannot be read"),
    ],
    ids=lambda text: str(text)[:20],
)
def test_a_spoilt_config(call, copy, text, message):
    file = copy / "config.json"
    file.unlink()
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    status, out, err = call("--run", copy)
    assert (status, out) == (2, "")
    assert err.startswith(f"explain.py: {file} ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("spoil", ["empty", "half", "text", "a byte", "other sizes", "other layers"])
def test_a_spoilt_network(call, copy, spoil):
    file = copy / "model.keras"
    content = file.read_bytes()
    if spoil == "other sizes":
        build_mlp(hidden=(6, 4)).save(file)
    elif spoil == "other layers":
        keras.Sequential([keras.Input((784,)), keras.layers.Rescaling(2.0)]).save(file)
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
        file.write_bytes({"empty": b"", "half": content[:middle], "text": b"a model", "a byte": flipped}[spoil])
    status, out, err = call("--run", copy)
    assert (status, out) == (2, "")
    assert err.startswith(f"explain.py: {file} ")
    assert ("holds arrays of the shapes" if spoil.startswith("other") else "cannot be read: ") in err
    assert err.count("\n") == 1


def test_other_data_in_the_place_of_the_runs_own(call, copy, tmp_path):
    few = tmp_path / "few.npz"
    np.savez(few, **made_images(num_train=20))
    status, _, err = call("--run", copy, "--data", few)
    assert status == 2
    assert "the training set has 20 images" in err
    assert err.count("\n") == 1
    assert call("--run", copy, "--data", few, "--images", 3)[0] == 0


# --- a real process ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows tells a writer in another way")
def test_the_reader_may_go_away(finished):
    command = [sys.executable, "explain.py", "--run", str(finished)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # before anything is written: the libraries take longer to load
        assert process.wait(timeout=120) == 141
        assert process.stderr.read() == ""


def test_a_terminal_without_greek_or_any_other_letters(finished, tmp_path):
    logs = tmp_path / "lögs ✓"
    shutil.copytree(finished, logs / "run")
    done = subprocess.run(
        [sys.executable, "explain.py", "--logs", logs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "200"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"l\xf6gs \u2713" in done.stdout
