"""A whole run from the command line, on a few made images; and whatever a user may do wrong."""

import csv
import dataclasses
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest

import runs
import train
from backprop.network import ChainRule, Network
from callbacks.gradient_check import GradientMismatch
from config import Config, ConfigError
from tests.made import made_images

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file of made images, as a user's own data."""
    path = tmp_path_factory.mktemp("data") / "made.npz"
    np.savez(path, **made_images(num_train=330))
    return path


@pytest.fixture
def run(data, tmp_path, capsys):
    """Call main with these options; returns (exit status, output, error output)."""

    def call(*options):
        status = train.main([*map(str, options), "--data", str(data), "--logs", str(tmp_path / "logs")])
        return (status, *capsys.readouterr())

    return call


def only_run(tmp_path):
    [folder] = (path for path in (tmp_path / "logs").iterdir() if path.is_dir())  # beside the layout of charts
    return folder


RELU = ("--activation", "relu", "--cost", "cross-entropy", "--learning-rate", "0.1")


# --- a good run -------------------------------------------------------------------------------------------------


def test_a_run_from_start_to_end(run, tmp_path):
    status, out, err = run(*RELU, "--epochs", 12)
    assert (status, err) == (0, "")
    folder = only_run(tmp_path)
    # the summary
    accuracy, correct = re.search(r"Test accuracy +([\d.]+)% \((\d+) of 60 images\)", out).groups()
    assert float(accuracy) == pytest.approx(100 * int(correct) / 60, abs=0.01)
    assert int(correct) > 54, "the made images are easy"
    assert re.search(r"Gradient check +all agree\n +132 of 132 steps: 792 gradients,\n", out)
    worst = re.search(r"Worst error +(\S+), tolerance 1e-05\s+(hidden_\d|output) (kernel|bias), epoch \d+, step", out)
    assert 0 < float(worst.group(1)) < 1e-5
    assert re.search(rf"^Saved in +{re.escape(str(folder))}$", out, flags=re.MULTILINE)
    *_, command, link = out.splitlines()
    assert command.endswith(f" -m tensorboard.main --logdir {folder.parent}")
    assert link.strip() == "http://localhost:6006/data/plugin/backprop_check/open"
    # one line for each epoch
    assert len(re.findall(r"^ *\d+/12 ", out, flags=re.MULTILINE)) == 12
    # the folder
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith("events.out.tfevents.")) == [
        "config.json",
        "history.csv",
        "model.keras",
        "numpy",
        "projector",
        "summary.json",
        "train",
        "validation",
    ]
    config = json.loads((folder / "config.json").read_text())
    assert config["config"]["activation"] == "relu"
    assert config["config"]["seed"] == 0
    assert config["versions"].keys() == {"python", "tensorflow", "keras", "tensorboard", "numpy"}
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert rows[0].keys() == {"epoch", "accuracy", "gradient_error", "loss", "val_accuracy", "val_loss"}
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(int(correct) / 60)
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["status"], summary["steps"], summary["steps_checked"]) == ("done", 132, 132)
    assert summary["worst_gradient_error"]["error"] == pytest.approx(float(rows[-1]["gradient_error"]))


def test_the_saved_model_is_the_trained_one(data, tmp_path):
    result = train.train(Config(epochs=1, data=data, logs=tmp_path))
    saved = keras.models.load_model(result.folder / "model.keras", compile=False)
    for w, v in zip(saved.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)


def test_same_seed_same_bits_other_seed_others(data, tmp_path):
    def weights(seed):
        result = train.train(Config(epochs=2, seed=seed, data=data, logs=tmp_path))
        return [w.tobytes() for w in result.model.get_weights()]

    assert weights(5) == weights(5) != weights(6)


def test_two_runs_in_the_same_second_do_not_collide(tmp_path, monkeypatch):
    monkeypatch.setattr(runs.time, "strftime", lambda form: "20260101-000000")
    names = [runs.new_run_folder(tmp_path).name for _ in range(3)]
    assert names == ["20260101-000000", "20260101-000000-2", "20260101-000000-3"]


@pytest.mark.parametrize(
    "options",
    [
        ("--hidden", "8"),
        ("--hidden", "5", "4", "3"),
        ("--hidden",),
        ("--activation", "tanh"),
        ("--dtype", "float64"),
        ("--batch-size", "full"),
        ("--batch-size", "330"),
        ("--batch-size", "1"),
        ("--schedule", "cosine"),
        ("--check-every", "7"),
        ("--steps-per-execution", "1"),
        ("--no-jit-compile",),
    ],
    ids=" ".join,
)
def test_each_option(run, tmp_path, options):
    status, out, err = run("--epochs", 1, *options)
    assert (status, err) == (0, "")
    assert "all agree" in out
    assert json.loads((only_run(tmp_path) / "summary.json").read_text())["steps_wrong"] == 0


def test_without_the_check_the_summary_does_not_claim_agreement(run):
    status, out, _ = run("--epochs", 1, "--check-every", 0)
    assert status == 0
    assert "not done: no gradient of this run was verified" in out
    assert "agree" not in out
    assert "not checked" in out


def test_an_early_end_by_a_callback(data, tmp_path):
    stop = keras.callbacks.EarlyStopping(monitor="gradient_error", mode="min", patience=0)
    result = train.train(Config(epochs=9, data=data, logs=tmp_path), callbacks=[stop])
    assert len(result.history["loss"]) < 9
    assert result.status == "done"


def test_a_wide_network_takes_fewer_steps_in_a_call():
    assert Config().steps_in_one_call == 125
    wide = Config(hidden=(1024, 1024))
    assert 1 <= wide.steps_in_one_call < 125
    assert wide.steps_in_one_call * wide.num_parameters * 4 <= 256 * 2**20
    assert wide.num_parameters == 784 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 * 10 + 10


# --- checks that fail -------------------------------------------------------------------------------------------


@pytest.fixture
def wrong_manual_module(monkeypatch):
    """The factor 2 of the cost's slope is missing on the manual side, and only there."""
    wrong = ChainRule(cost_slope=lambda p: p.a[-1] - p.y)
    right = train.manual_network
    monkeypatch.setattr(
        train, "manual_network", lambda config: Network(right(config).activations, right(config).cost, wrong)
    )


def test_a_mismatch_ends_the_run_with_status_1(run, tmp_path, wrong_manual_module):
    status, _, err = run("--epochs", 2)
    assert status == 1
    assert "Mismatch with the manual backpropagation at epoch 1, step 1 (1 of 11 in its epoch):" in err
    assert re.search(r"hidden_1 kernel: error 1, tolerance 1e-05, cosine 1\.000000, ratio of norms 2\b", err)
    assert "Traceback" not in err
    summary = json.loads((only_run(tmp_path) / "summary.json").read_text())
    assert summary["status"] == "GradientMismatch"
    assert not (only_run(tmp_path) / "model.keras").exists()


def test_a_mismatch_with_warn_goes_on_and_still_ends_with_status_1(run, wrong_manual_module):
    status, out, err = run("--epochs", 2, "--on-mismatch", "warn")
    assert status == 1
    assert err.count("Mismatch") == 2  # the first of each epoch
    assert "FAILED in 22 steps" in out
    assert "agree" not in out


def test_train_raises_what_main_reports(data, tmp_path, wrong_manual_module):
    with pytest.raises(GradientMismatch):
        train.train(Config(epochs=1, data=data, logs=tmp_path))


def test_a_cost_that_is_no_number_ends_with_status_1_and_a_cause(run, tmp_path):
    status, _, err = run(*RELU[:4], "--learning-rate", "1e30")
    assert status == 1
    assert re.fullmatch(
        r"train\.py: The cost is nan at epoch 1, step 2 \(2 of 11 in its epoch\); the cost of the step before was "
        r"2\.\d+\. Likely cause: steps that are too long\. Try a learning rate of 1e\+29\.\n",
        err,
    )
    assert json.loads((only_run(tmp_path) / "summary.json").read_text())["status"] == "NonFiniteCost"


# --- bad input --------------------------------------------------------------------------------------------------

BAD_OPTIONS = [
    (
        ("--activation", "sigmod"),
        "--activation is 'sigmod'; expected one of: sigmoid, tanh, relu. Did you mean 'sigmoid'?",
    ),
    (("--cost", "mse"), "--cost is 'mse'; expected one of: squared-error, cross-entropy."),
    (("--schedule", "cosin"), "--schedule is 'cosin'; expected one of: constant, cosine. Did you mean 'cosine'?"),
    (("--dtype", "float16"), "--dtype is 'float16'; expected one of: float32, float64. Did you mean 'float"),
    (("--on-mismatch", "ignore"), "--on-mismatch is 'ignore'; expected one of: stop, warn."),
    (("--hidden", "16", "0"), "--hidden is 16 0; expected at least 1 unit in each layer."),
    (("--hidden", "-3"), "--hidden is -3; expected at least 1 unit"),
    (("--hidden", "1000000", "1000000"), "--hidden is 1000000 1000000: 1,000,796,000,010 parameters; expected at most"),
    (("--learning-rate", "-1"), "--learning-rate is -1.0; expected a number above 0."),
    (("--learning-rate", "0"), "--learning-rate is 0.0; expected a number above 0."),
    (("--learning-rate", "nan"), "--learning-rate is nan; expected a number above 0."),
    (("--batch-size", "0"), "--batch-size is 0; expected 1 or more, or full."),
    (("--batch-size", "331"), "--batch-size is 331; the training set has 330 images."),
    (("--epochs", "0"), "--epochs is 0; expected 1 or more."),
    (("--seed", "-1"), "--seed is -1; expected 0 or more."),
    (("--check-every", "-1"), "--check-every is -1; expected 0 or more."),
    (("--steps-per-execution", "0"), "--steps-per-execution is 0; expected 1 or more."),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=lambda value: " ".join(value)[:40])
def test_bad_options_are_one_clear_line_and_leave_nothing(run, tmp_path, options, message):
    status, _, err = run(*options)
    assert status == 2
    assert err.startswith(f"train.py: {message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "logs").exists()


def test_all_bad_options_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        Config(epochs=0, activation="rel", learning_rate=-1).validate()
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--epochs", "ten"), ["--epochs", "ten"]),
        (("--batch-size", "fuls"), ["--batch-size", "'fuls' is neither a whole number nor full"]),
        (("--learning-rat", "1"), ["--learning-rat", "--learning-rate"]),
        (("more",), ["more"]),
    ],
)
def test_what_the_parser_refuses(options, words, capsys):
    with pytest.raises(SystemExit) as caught:
        train.main(list(options))
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert all(word in err for word in words)
    assert "Traceback" not in err


def test_help_names_every_option_with_its_default_and_the_second_recipe(capsys):
    with pytest.raises(SystemExit) as caught:
        train.main(["--help"])
    assert caught.value.code == 0
    out = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    for option in Config.__dataclass_fields__:
        assert f"--{option.replace('_', '-')}" in out
    assert "(default: 1.0)" in out
    assert "--activation relu --cost cross-entropy --learning-rate 0.1 --schedule cosine --epochs 30" in out
    assert "INT|full" in out


def test_missing_data(tmp_path, capsys):
    assert train.main(["--data", str(tmp_path / "nowhere"), "--logs", str(tmp_path / "logs")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"train.py: --data {tmp_path / 'nowhere'} does not exist; expected")
    assert err.count("\n") == 1
    assert not (tmp_path / "logs").exists()


def test_unusable_log_folder(data, tmp_path, capsys):
    (tmp_path / "logs").write_text("a file")
    assert train.main(["--data", str(data), "--logs", str(tmp_path / "logs")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"train.py: The log folder {tmp_path / 'logs'} cannot be used: ")
    assert err.endswith("Choose another one with --logs FOLDER.\n")
    assert err.count("\n") == 1


# --- a real process: signals, a full disk -----------------------------------------------------------------------


def start(*options, **env):
    """Start train.py as a shell in the foreground does: where Ctrl-C is not ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "train.py", *map(str, options)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | env,
        )
    finally:
        signal.signal(signal.SIGINT, before)


not_on_windows = pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console, not to a process")


@not_on_windows
@pytest.mark.parametrize(("line", "epochs"), [("Run ", 0), ("3/", 3)], ids=["at the start", "in the fourth epoch"])
def test_ctrl_c_saves_what_there_is_and_ends_with_130(data, tmp_path, line, epochs):
    process = start(*RELU, "--epochs", 100_000, "--data", data, "--logs", tmp_path / "logs")
    next(text for text in process.stdout if text.strip().startswith(line))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    assert "Interrupted in epoch" in out
    assert "all agree" in out
    folder = only_run(tmp_path)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["epochs_done"] >= epochs
    with (folder / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == summary["epochs_done"]
    keras.models.load_model(folder / "model.keras")


@not_on_windows
def test_ctrl_c_does_not_hide_a_mismatch_in_the_last_record(data, tmp_path, monkeypatch):
    """The record is still being verified when the training is interrupted: its verdict is waited for."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    class SeesAWrongGradient(train.GradientCheck):
        def on_gradients(self, record):
            if record.first_step == 4:
                time.sleep(0.5)
                record = dataclasses.replace(record, gradients=tuple(2 * g for g in record.gradients))
            super().on_gradients(record)

    class PressesCtrlC(keras.callbacks.Callback):
        def on_gradients(self, record):
            if record.first_step == 4:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "GradientCheck", SeesAWrongGradient)
    config = Config(epochs=3, steps_per_execution=4, data=data, logs=tmp_path)
    try:
        with pytest.raises(GradientMismatch, match="step 5 "):
            train.train(config, callbacks=[PressesCtrlC()])
    finally:
        signal.signal(signal.SIGINT, before)
    [summary] = tmp_path.glob("*/summary.json")
    assert json.loads(summary.read_text())["status"] == "GradientMismatch"


def test_ctrl_c_while_the_libraries_load_is_no_traceback(data, tmp_path):
    process = start("--data", data, "--logs", tmp_path / "logs")
    time.sleep(1)  # TensorFlow takes longer than that
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130)
    assert "Traceback" not in err
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("stage", ["evaluate", "write_result"])
@not_on_windows
def test_ctrl_c_while_the_results_are_saved_loses_nothing(data, tmp_path, monkeypatch, stage):
    place = train if stage == "evaluate" else runs
    original = getattr(place, stage)
    calls = []

    def interrupted(*args, **options):
        calls.append(stage)
        if len(calls) == (2 if stage == "evaluate" else 1):  # the first evaluation is that of the epoch
            signal.raise_signal(signal.SIGINT)
        return original(*args, **options)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(place, stage, interrupted)
        result = train.train(Config(epochs=1, data=data, logs=tmp_path, steps_per_execution=125))
    except KeyboardInterrupt:
        pytest.fail("interrupted while saving")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.folder / "model.keras").exists()
    assert (result.folder / "summary.json").exists()


@not_on_windows
def test_ctrl_c_twice_saves_no_network_and_says_so(data, tmp_path, monkeypatch, capsys):
    class Twice(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for _ in range(2 if epoch == 1 else 0):
                signal.raise_signal(signal.SIGINT)

    original = train.train
    monkeypatch.setattr(train, "train", lambda config, console: original(config, callbacks=[Twice()], console=console))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = train.main(["--epochs", "3", "--data", str(data), "--logs", str(tmp_path / "logs")])
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130
    assert capsys.readouterr().err == "train.py: interrupted; no network was saved.\n"
    folder = only_run(tmp_path)
    assert not (folder / "model.keras").exists()
    assert json.loads((folder / "summary.json").read_text())["status"] == "KeyboardInterrupt"


def test_many_runs_in_one_process_raise_no_warning(data, tmp_path):
    """TensorFlow warns where most calls of a function trace it: here each run makes one call."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    try:
        for _ in range(7):
            train.train(Config(epochs=1, batch_size="full", data=data, logs=tmp_path))
    finally:
        logger.removeHandler(handler)
    assert messages == []


@not_on_windows
def test_a_reader_that_has_seen_enough_is_no_traceback(data, tmp_path):
    with start("--epochs", 2000, "--data", data, "--logs", tmp_path / "logs") as process:
        process.stdout.readline()
        process.stdout.close()  # as `| head -1` does
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == ""
    assert list((tmp_path / "logs").iterdir()) == []  # no epoch was done


def test_a_path_that_the_terminals_encoding_lacks(data, tmp_path):
    process = start("--epochs", 1, "--data", data, "--logs", tmp_path / "lögs ✓", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert r"l\xf6gs \u2713" in out


def test_an_error_of_a_callbacks_own_is_not_the_folders(data, tmp_path):
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                (tmp_path / "nowhere" / "file").read_text()

    with pytest.raises(FileNotFoundError, match="nowhere"):
        train.train(Config(epochs=3, data=data, logs=tmp_path / "logs"), callbacks=[Fails()])
    lines = (only_run(tmp_path) / "history.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["epoch", "0"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB, where the machine lets the tests mount one."""
    if os.name == "nt":
        pytest.skip("no small file systems on Windows")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    yield place
    time.sleep(0.1)
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("free", [0, 2**15, 2**19, 2**21, 2**22])
def test_a_full_disk_is_one_clear_line(small_disk, data, free):
    """Filled up but for some of it: the run fails at its start, or in an epoch."""
    (small_disk / "ballast").write_bytes(bytes(2**22 - free))
    process = start("--epochs", 200, "--data", data, "--logs", small_disk / "logs")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "No space left on device" in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for folder in (small_disk / "logs").glob("*/"):
        assert not list(folder.glob("*.keras")) + list(folder.glob("*.part"))
        lines = (folder / "history.csv").read_bytes().splitlines(keepends=True)
        assert len(lines) >= 2
        assert lines[-1].endswith(b"\n")
        assert len({line.count(b",") for line in lines}) == 1
