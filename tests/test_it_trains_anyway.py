"""The experiment "it trains anyway": wrong trainings, what is measured of them, and what the check says."""

import csv
import dataclasses
import io
import itertools
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import backprop
import train
from backprop.descent import Descent, Run
from callbacks.gradient_check import GradientCheck, GradientMismatch
from experiments import it_trains_anyway, workers, wrong_training
from experiments.workers import train_all
from experiments.wrong_outcomes import Outcome, Verdict, as_csv, as_json, by_accuracy, count, paragraph, table_of
from experiments.wrong_run import setup_from, verdict_of, write_events
from experiments.wrong_training import (
    CORRECT,
    Look,
    Setup,
    Trained,
    cosine_of,
    possible_mistakes,
    train_with,
)
from grading.mistakes.loop import piled_up
from models.losses import SumSquaredError
from models.mlp import build_mlp
from tests.made import made_images, random_problem

ROOT = Path(__file__).parents[1]
MISTAKES = possible_mistakes()
STEPS_PER_EPOCH = 6


def small_setup(sizes=(6, 5, 4, 3), dtype="float64", epochs=2, learning_rate=0.5, scale=1.0):
    """22 samples in batches of 4: the last one of an epoch has 2."""
    problem = random_problem(sizes=sizes, batch_size=22, scale=scale).astype(dtype)
    orders = [np.random.default_rng(epoch).permutation(22) for epoch in range(epochs)]
    return Setup(
        network=problem.network,
        W=problem.W,
        b=problem.b,
        x_train=problem.x,
        y_train=problem.y,
        x_test=problem.x,
        y_test=problem.y,
        batches=[order[i : i + 4] for order in orders for i in range(0, 22, 4)],
        steps_per_epoch=STEPS_PER_EPOCH,
        learning_rate=learning_rate,
    )


def trained_with(name, setup=None):
    """The training and what the check says."""
    setup = setup or small_setup()
    trained = train_with(None if name == CORRECT else MISTAKES[name], setup)
    return trained, verdict_of(trained, setup)


def in_turn(W, b):
    return [tensor for pair in zip(W, b, strict=True) for tensor in pair]


def gradients_along(setup, parameters, batch):
    z, a = backprop.forward(setup.network, *parameters, setup.x_train[batch])
    return backprop.backward(setup.network, *parameters, z, a, setup.y_train[batch])


# --- the right training -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_correct_training_is_that_of_backprop_and_all_agrees(dtype):
    setup = small_setup(dtype=dtype)
    trained, verdict = trained_with(CORRECT, setup)
    W, b = backprop.train(
        setup.network, setup.W, setup.b, setup.x_train, setup.y_train, setup.batches, setup.learning_rate
    )
    for tensor, expected in zip(trained.records[-1].final_parameters, in_turn(W, b), strict=True):
        np.testing.assert_array_equal(tensor, expected)
    _, a = backprop.forward(setup.network, W, b, setup.x_test)
    assert trained.accuracy == np.mean(a[-1].argmax(axis=1) == setup.y_test.argmax(axis=1))
    assert (trained.end, trained.num_steps, [look.step for look in trained.looks]) == (
        "done",
        12,
        [1, 2, 3, 4, 6, 7, 10, 12],
    )
    assert verdict.agrees
    assert (verdict.in_short, verdict.steps_checked) == ("all agree", 8)
    assert max(error for look in trained.looks for error in look.errors) < verdict.tolerance
    assert min(look.cosine for look in trained.looks) == pytest.approx(1, abs=1e-9)


def test_it_ends_where_keras_ends():
    made = made_images()
    data = train.Dataset.from_mnist(train.mnist.Mnist(**made, source="made"), "float32")
    setup = setup_from(data, epochs=2, batch_size=48, learning_rate=0.5, seed=3)
    model = build_mlp(seed=3)
    model.compile(optimizer=train.keras.optimizers.SGD(0.5), loss=SumSquaredError(), metrics=["accuracy"])
    history = train.fit(model, data, batch_size=48, epochs=2, seed=3)
    trained, verdict = trained_with(CORRECT, setup)
    for tensor, expected in zip(trained.records[-1].final_parameters, model.get_weights(), strict=True):
        np.testing.assert_allclose(tensor, expected, rtol=1e-3, atol=1e-5)
    assert trained.accuracy == pytest.approx(history["val_accuracy"][-1], abs=1e-9)
    assert setup.steps_per_epoch == 7
    assert len(setup.batches[6]) == 320 - 6 * 48
    assert verdict.agrees


# --- mistakes whose numbers are known by hand -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cosine", "error"), [("factor-2-missing", 1, 0.5), ("sign", -1, 2), ("batch-summed", 1, 3)]
)
def test_a_factor_before_the_gradient(name, cosine, error):
    """(g/2 - g), (-g - g) and (4g - g), each over g; the last batch of an epoch has 2 samples: 2g - g."""
    trained, verdict = trained_with(name)
    for look in trained.looks:
        assert (look.cosine, look.step_cosine) == pytest.approx((cosine, cosine), abs=1e-9)
        expected = 1 if name == "batch-summed" and look.step % STEPS_PER_EPOCH == 0 else error
        assert look.errors == pytest.approx([expected] * 6, rel=1e-9)
    assert (verdict.step, verdict.steps_checked) == (1, 1)
    assert verdict.error == pytest.approx(error, rel=1e-9)
    assert verdict.in_short == "FAILED at step 1"
    assert "epoch 1, step 1 (1 of 6 in its epoch)" in verdict.message


def test_ascent_has_the_right_gradient_and_the_wrong_step():
    """w + rate g for w - rate g: the update is off by 2 rate g."""
    trained, verdict = trained_with("ascent")
    for look in trained.looks:
        assert max(look.errors) < 1e-12
        assert (look.cosine, look.step_cosine) == pytest.approx((1, -1), abs=1e-9)
    assert verdict.step == 1
    assert verdict.tensor.endswith(" update")
    assert verdict.error == pytest.approx(2, rel=1e-9)


def test_momentum_shows_in_the_second_update():
    """The second step is g2 + 0.9 g1: off by 0.9 g1 over g2, where g2 is what the record has."""
    setup = small_setup()
    trained, verdict = trained_with("momentum", setup)
    assert trained.number == 0.9
    assert max(error for look in trained.looks for error in look.errors) < 1e-12
    first, second = trained.records[:2]
    ratios = {
        f"{name} update": 0.9 * np.linalg.norm(g1) / np.linalg.norm(g2)
        for name, g1, g2 in zip(first.names, first.gradients, second.gradients, strict=True)
    }
    assert verdict.step == 2
    assert verdict.tensor == max(ratios, key=ratios.get)
    assert verdict.error == pytest.approx(max(ratios.values()), rel=1e-9)


def test_the_cost_alone_can_be_wrong():
    trained, verdict = trained_with("half-cost")
    right, _ = trained_with(CORRECT)
    assert max(error for look in trained.looks for error in look.errors) < 1e-12
    assert [look.accuracy for look in trained.looks] == [look.accuracy for look in right.looks]
    assert [look.cost for look in trained.looks] == pytest.approx([look.cost / 2 for look in right.looks])
    assert (verdict.step, verdict.tensor) == (1, "cost")
    assert verdict.error == pytest.approx(0.5, rel=1e-12)


def test_a_mistake_with_the_smaller_batch_shows_where_it_comes():
    """The sum of 2 samples divided by 4."""
    trained, verdict = trained_with("partial-batch-divided-by-the-full-size")
    assert verdict.step == STEPS_PER_EPOCH
    by_step = {look.step: look for look in trained.looks}
    assert by_step[6].errors == pytest.approx([0.5] * 6, rel=1e-9)
    assert max(by_step[4].errors) < 1e-12


def test_another_batch_than_the_given_one_is_reported_though_its_own_gradient_is_right():
    _, verdict = trained_with("last-partial-batch-dropped")
    assert verdict.step == STEPS_PER_EPOCH
    _, verdict = trained_with("the-same-order-every-epoch")
    assert verdict.step == STEPS_PER_EPOCH + 1


def test_the_learning_rate_forgotten_hides_at_1_and_nowhere_else():
    _, hidden = trained_with("learning-rate-forgotten", small_setup(learning_rate=1.0))
    assert hidden.agrees
    _, shown = trained_with("learning-rate-forgotten", small_setup(learning_rate=0.5))
    assert (shown.step, shown.tensor.endswith(" update")) == (1, True)
    assert shown.error == pytest.approx(1, rel=1e-9)  # g for g / 2


def test_a_training_that_ends_too_early_agrees_up_to_there():
    trained, verdict = trained_with("one-epoch-only")
    assert (trained.num_steps, trained.end, verdict.agrees) == (6, "done", True)
    trained, verdict = trained_with("only-the-first-batch")
    assert (trained.num_steps, len(trained.looks), verdict.agrees) == (1, 1, True)


def test_a_step_that_was_not_to_be_looked_at_is_if_it_is_the_last():
    trained, _ = trained_with("last-batch-skipped")
    assert [look.step for look in trained.looks][-2:] == [10, 11]


def test_z_overwritten_by_a_has_the_slopes_of_the_activation():
    overwritten, _ = trained_with("z-and-a-the-same-array")
    of_activation, verdict = trained_with("slope-of-the-activation")
    assert overwritten.looks == of_activation.looks
    assert verdict.step == 1


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("gradients-never-reset", lambda n, sizes: np.ones(n)),
        ("gradients-reset-once-an-epoch", lambda n, sizes: np.arange(n) >= (n - 1) // 6 * 6),
        ("sums-never-reset", lambda n, sizes: sizes[:n] / sizes[n - 1]),
        ("sums-reset-once-an-epoch", lambda n, sizes: (np.arange(n) >= (n - 1) // 6 * 6) * sizes[:n] / sizes[n - 1]),
        ("momentum", lambda n, sizes: 0.9 ** np.arange(n)[::-1]),
        ("momentum-as-mean", lambda n, sizes: 0.1 * 0.9 ** np.arange(n)[::-1]),
    ],
)
def test_what_piles_up_is_the_weighted_sum_of_all_gradients_so_far(name, weights):
    setup = small_setup()
    sizes = np.array([len(batch) for batch in setup.batches])
    seen = []

    def direction(r):
        seen.append(in_turn(*r.gradients[-1]))
        share = weights(len(seen), sizes)
        sums = [sum(w * g for w, g in zip(share, of_one, strict=True)) for of_one in zip(*seen, strict=True)]
        return sums[0::2], sums[1::2]

    arguments = (setup.network, setup.W, setup.b, setup.x_train, setup.y_train, setup.batches, setup.learning_rate)
    expected = in_turn(*backprop.train(*arguments, Descent(direction=direction)))
    trained, _ = trained_with(name, setup)
    for tensor, right in zip(trained.records[-1].final_parameters, expected, strict=True):
        np.testing.assert_allclose(tensor, right, rtol=1e-9)


def test_a_new_pile_holds_nothing_of_the_old_one_not_even_infinity():
    run = Run(None, None, None, [], 1.0, gradients=[([np.array([np.inf])], []), ([np.array([2.0])], [])])
    assert piled_up(run, lambda k: 0.0) == ([np.array([2.0])], [])
    run = Run(None, None, None, [], 1.0, gradients=[([np.array([3.0])], []), ([np.array([2.0])], [])])
    assert piled_up(run, lambda k: 0.5) == ([np.array([3.5])], [])


def test_a_rule_that_looks_back_finds_what_was_there():
    """All gradients at the first parameters."""
    setup = small_setup()
    trained, verdict = trained_with("gradients-at-the-first-weights", setup)
    assert (trained.end, trained.num_steps, verdict.step) == ("done", 12, 2)
    for record in trained.records:
        expected = in_turn(*gradients_along(setup, (setup.W, setup.b), record.indices[0]))
        for gradient, right in zip(record.gradients, expected, strict=True):
            np.testing.assert_allclose(gradient[0], right, rtol=1e-12)


def test_a_mismatch_carries_a_report_for_each_tensor_that_differs():
    setup = small_setup()
    record = trained_with("factor-2-missing", setup)[0].records[0]
    with pytest.raises(GradientMismatch) as caught:
        GradientCheck(setup.network, setup.x_train, setup.y_train).on_gradients(record)
    assert [report.name for report in caught.value.reports] == list(setup.tensor_names)
    assert [report.norm_ratio for report in caught.value.reports] == pytest.approx([0.5] * 6)


# --- trainings that do not come to their end --------------------------------------------------------------------


def test_shapes_that_do_not_fit_stop_it_and_numpys_words_are_kept():
    trained, verdict = trained_with("transpose-missing")
    assert (trained.end, trained.num_steps, trained.looks, verdict) == ("error", 0, (), None)
    assert trained.why.startswith("matmul: Input operand 1 has a mismatch")
    square, verdict = trained_with("transpose-missing", small_setup(sizes=(4, 4, 4, 4)))
    assert (square.end, square.num_steps, verdict.step) == ("done", 12, 1)


def test_a_parameter_that_grows_an_axis_stops_it():
    trained, verdict = trained_with("bias-gradient-keeps-the-batch")
    assert (trained.end, verdict) == ("error", None)
    assert trained.why == "hidden_1 bias becomes (4, 5) by the step; it was (5,)"


def test_a_gradient_of_another_shape_that_numpy_spreads_is_refused_by_the_check():
    trained, verdict = trained_with("bias-gradient-one-number")
    assert (trained.end, trained.looks[0].errors[1]) == ("done", math.inf)
    assert (verdict.step, verdict.tensor, verdict.error) == (1, "hidden_1 bias", math.inf)
    assert "the gradient of hidden_1 bias is float64 ()" in verdict.message


def test_numbers_beyond_all_numbers_end_it():
    trained, verdict = trained_with("z-times-one-minus-z", small_setup(dtype="float32", learning_rate=100.0))
    assert trained.end == "not finite"
    assert trained.num_steps < 12
    assert math.isnan(trained.accuracy)
    assert verdict.step == 1
    tame, _ = trained_with("z-times-one-minus-z", small_setup(dtype="float32", learning_rate=1e-3))
    assert (tame.end, tame.num_steps) == ("done", 12)


def test_a_training_that_uses_far_too_many_samples_is_cut(monkeypatch):
    whole, _ = trained_with("every-batch-the-whole-set")  # 22 for 4: 12 steps of 22 are 6 times 44
    assert (whole.end, whole.num_steps) == ("done", 12)
    monkeypatch.setattr(wrong_training, "SAMPLES_LIMIT", 2)
    cut, _ = trained_with("every-batch-the-whole-set")
    assert (cut.end, cut.num_steps, cut.looks[-1].step) == ("cut", 4, 4)  # 4 * 22 = 2 * 44
    correct, _ = trained_with(CORRECT)
    assert correct.end == "done"


def test_more_steps_than_batches_are_measured_without_a_gradient_to_compare_with():
    trained, verdict = trained_with("one-step-for-each-sample")
    assert trained.num_steps == 44
    assert [math.isnan(look.cosine) for look in trained.looks] == [look.step > 12 for look in trained.looks]
    assert all(0 <= look.accuracy <= 1 for look in trained.looks)
    assert len(trained.records) == sum(look.step <= 12 for look in trained.looks)
    assert verdict.step == 1


def test_every_mistake_has_an_outcome():
    setup = small_setup(sizes=(6, 4, 4, 3), dtype="float32")
    ends = {name: train_with(mistake, setup).end for name, mistake in MISTAKES.items()}
    assert set(ends.values()) <= {"done", "error", "not finite"}
    assert len(ends) == len(MISTAKES) > 100
    kinds = {wrong_training.kind_of(mistake) for mistake in MISTAKES.values()}
    assert kinds == {"cost", "forward", "delta", "gradient", "loop"}


def test_cosines_worked_by_hand():
    assert cosine_of([np.array([3.0]), np.array([4.0])], [np.array([3.0]), np.array([0.0])]) == pytest.approx(0.6)
    assert cosine_of([np.array(1.0)], [np.array([1.0, 0.0])]) == pytest.approx(1 / math.sqrt(2))  # spread to (1, 1)
    assert cosine_of([np.array([1e300, 0])], [np.array([1e-300, 0])]) == pytest.approx(1)
    with np.errstate(invalid="ignore"):
        assert math.isnan(cosine_of([np.zeros(2)], [np.ones(2)]))
    assert math.isnan(cosine_of([np.ones(3)], [np.ones(2)]))


# --- what it comes to -------------------------------------------------------------------------------------------


def made_outcome(name, accuracy, step=None, end="done", num_steps=12, checked=True, error=0.5, cosine=1.0):
    looks = (Look(num_steps, accuracy, 1.0, cosine, cosine, (error,) * 6),) if checked else ()
    trained = Trained(name, "delta", "says", None, end, "why" if end == "error" else "", num_steps, looks)
    verdict = Verdict(step, "hidden_1 kernel" if step else "", error, 1e-5, 3, "m" if step else "") if checked else None
    return Outcome(trained, verdict)


MADE = [
    made_outcome("a", 0.899, step=1),
    made_outcome("b", 0.921, step=7),
    made_outcome(CORRECT, 0.90, error=1e-7),
    made_outcome("c", 0.10, step=1),
    made_outcome("d", 0.90, error=0.0),
    made_outcome("e", 0.85, num_steps=6, error=0.0),
    made_outcome("f", math.nan, end="error", num_steps=0, checked=False),
    made_outcome("g", math.nan, step=1, end="not finite", num_steps=3, error=math.nan),
    made_outcome("h", 0.30, step=1, end="cut", num_steps=5),
]


def test_the_counts_by_hand():
    """Near 90 %: a (0.1 points below) and d; b is 2.1 above, c, e and h are far below."""
    counts = count(MADE)
    assert (counts.mistakes, counts.near, counts.far, counts.not_finite, counts.stopped) == (8, 2, 4, 1, 1)
    assert (counts.better, counts.reported, counts.reported_first, counts.near_reported) == (1, 5, 4, 1)
    assert (counts.unchecked, counts.unseen, counts.short, counts.cut) == (1, ("d",), ("e",), ("h",))


def test_the_counts_follow_the_outcomes():
    moved = [made_outcome("c", 0.89, step=1) if o.trained.name == "c" else o for o in MADE]
    assert (count(moved).near, count(moved).far, count(moved).near_reported) == (3, 3, 2)
    silent = [made_outcome("a", 0.899) if o.trained.name == "a" else o for o in MADE]
    assert (count(silent).reported, count(silent).unseen) == (4, ("a", "d"))


def test_the_paragraph_says_the_counts():
    text = " ".join(paragraph(MADE))
    assert "Of 8 mistakes 2 end within 2 points of the correct network's 90.0 %, 4 further away, 1 in no number" in text
    assert "and 1 stop at shapes that do not fit. Better than the correct network: 1." in text
    assert "reports 5 of 8, 4 at the first step; of the 2 that accuracy lets pass, 1." in text
    assert "Stopped before there was a gradient to check: 1." in text
    assert "right to rounding with d." in text
    assert "fewer of them, with e." in text
    assert text.endswith("far more samples than the correct training: h.")
    assert paragraph([MADE[2]]) == ["The correct network ends at 90.0 %."]


def test_the_table_has_all_of_them_by_accuracy_in_80_columns():
    console = Console(width=80, record=True, file=io.StringIO())
    long = made_outcome("slope-of-the-layer-before-in-hidden-layers", 0.5, step=1234)
    console.print(table_of([*MADE, long]))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert [o.trained.name for o in by_accuracy(MADE)] == ["b", CORRECT, "d", "a", "e", "h", "c", "g", "f"]
    found = [line.split()[0] for line in lines if line.split() and line.split()[0] in "abcdefgh" + CORRECT]
    assert found == ["b", CORRECT, "d", "a", "e", "h", "c", "g", "f"]
    assert "slope-of-the-layer-before-" in "\n".join(lines)
    assert "1,234" in "\n".join(lines)


def test_csv_and_json_hold_every_training():
    rows = list(csv.DictReader(as_csv(MADE).splitlines()))
    by_name = {row["mistake"]: row for row in rows}
    assert [row["mistake"] for row in rows] == [o.trained.name for o in by_accuracy(MADE)]
    assert by_name["b"] | {"failed_at_step": "7", "accuracy": "0.921", "to_correct": "0.021"} == by_name["b"]
    assert (by_name["f"]["accuracy"], by_name["f"]["check"], by_name["f"]["why"]) == ("", "", "why")
    assert by_name["d"]["check"] == "all agree"
    content = json.loads(as_json(MADE, {"epochs": 2}), parse_constant=pytest.fail)
    assert content["settings"] == {"epochs": 2}
    assert content["says"] == paragraph(MADE)
    by_name = {training["name"]: training for training in content["trainings"]}
    assert by_name["g"]["accuracy"] is None
    assert by_name["a"]["check"]["step"] == 1
    assert by_name["a"]["looks"][0]["errors"] == [0.5] * 6
    assert "records" not in by_name["a"]


def test_tensorboard_reads_the_curves_and_the_metrics(tmp_path):
    trained, verdict = trained_with("factor-2-missing")
    write_events(tmp_path / "run", Outcome(trained, verdict), num_steps=12)
    read = EventAccumulator(str(tmp_path / "run")).Reload()
    accuracies = [(point.step, point.value) for point in read.Scalars("accuracy/test")]
    assert accuracies == [(look.step, pytest.approx(look.accuracy)) for look in trained.looks]
    assert [point.value for point in read.Scalars("cosine/gradient")] == pytest.approx([1] * 8)
    assert [point.value for point in read.Scalars("log10 error/L2 b")] == pytest.approx([math.log10(0.5)] * 8)
    plugins = read.summary_metadata
    assert "_hparams_/session_start_info" in plugins
    started = plugins["_hparams_/session_start_info"].plugin_data.content
    assert b"FAILED at step 1" in started
    assert [point.value for point in read.Scalars("at the end/accuracy")] == [pytest.approx(trained.accuracy)]
    assert [point.value for point in read.Scalars("at the end/log10 error")] == pytest.approx([math.log10(0.5)])


def test_in_tensorboard_curves_end_with_the_correct_training_and_the_last_accuracy_is_kept(tmp_path):
    trained, verdict = trained_with("one-step-for-each-sample")
    write_events(tmp_path / "run", Outcome(trained, verdict), num_steps=12)
    read = EventAccumulator(str(tmp_path / "run")).Reload()
    steps = [look.step for look in trained.looks]
    assert max(steps) == 44
    assert [point.step for point in read.Scalars("accuracy/test")] == [step for step in steps if step <= 12]
    assert read.Scalars("at the end/accuracy")[0].value == pytest.approx(trained.looks[-1].accuracy)


# --- the picture ------------------------------------------------------------------------------------------------


def test_the_picture_has_every_training_and_takes_its_place_whole(tmp_path):
    figure = pytest.importorskip("experiments.wrong_figure")
    path = tmp_path / "it-trains-anyway.png"
    figure.save(MADE, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 120_000
    assert list(tmp_path.iterdir()) == [path]
    axes = figure.Figure().subplots()
    figure.draw_curves(axes, [outcome.trained for outcome in MADE])
    assert len(axes.lines) == 8  # f has no curve
    axes = figure.Figure().subplots()
    figure.draw_errors(axes, MADE)
    points = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines if line.get_marker() != "None"
    }
    assert (0.5, 89.9) in points
    assert len(points) == 7  # f and g end without an accuracy


def test_labels_keep_their_distance():
    figures = pytest.importorskip("experiments.figures")
    heights = figures.spread_out([95.0, 94.0, 93.0, 14.0, 13.0, 12.0], 5.0, lowest=3, highest=97)
    assert all(upper - lower >= 5 for upper, lower in itertools.pairwise(heights))
    assert min(heights) >= 3
    assert max(heights) <= 97
    assert figures.spread_out([90.0, 50.0], 5.0) == [90.0, 50.0]


# --- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "made.npz"
    np.savez(path, **made_images(num_train=330))
    return path


def run(capsys, *arguments):
    status = it_trains_anyway.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_trains_shows_and_writes(tmp_path, images, capsys, workers, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = ["factor-2-missing", "transpose-missing"]
    status, out, err = run(
        capsys, "--only", *names, "--data", images, "--logs", tmp_path / "logs", "--workers", workers
    )
    assert (status, err) == (0, "")
    [folder] = (tmp_path / "logs").iterdir()
    assert folder.name.startswith("it-trains-anyway-")
    runs = {path.name for path in folder.iterdir() if path.is_dir()}
    assert runs == {CORRECT, *names}
    assert {"results.csv", "results.json"} <= {path.name for path in folder.iterdir()}
    content = json.loads((folder / "results.json").read_text())
    ends = {training["name"]: training["end"] for training in content["trainings"]}
    assert ends == {CORRECT: "done", "factor-2-missing": "done", "transpose-missing": "error"}
    assert "Of 2 mistakes " in " ".join(out.split())
    assert f"Saved in     {folder}" in out


def test_the_figure_is_put_elsewhere(tmp_path, images, capsys):
    pytest.importorskip("matplotlib")
    folder, logs = tmp_path / "figures", tmp_path / "logs"
    arguments = ["--only", "sign", "--data", images, "--logs", logs, "--workers", 1, "--figures", folder]
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    assert f"Figure       {folder / 'it-trains-anyway.png'}" in out
    assert [path.name for path in folder.iterdir()] == ["it-trains-anyway.png"]
    assert not list(logs.glob("*/*.png"))


def test_without_matplotlib_all_but_the_picture_is_there(tmp_path, images, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "experiments.wrong_figure", None)
    status, out, _ = run(capsys, "--only", "sign", "--data", images, "--logs", tmp_path / "logs", "--workers", 1)
    assert status == 0
    assert "pip install -r experiments/requirements.txt" in out
    [folder] = (tmp_path / "logs").iterdir()
    assert not list(folder.glob("*.png"))
    assert (folder / "results.csv").is_file()


def test_a_correct_training_that_fails_its_check_ends_with_1(tmp_path, images, capsys, monkeypatch):
    from experiments import wrong_run

    real = wrong_run.verdict_of
    monkeypatch.setattr(
        wrong_run, "verdict_of", lambda trained, setup: dataclasses.replace(real(trained, setup), step=4, message="off")
    )
    status, _, err = run(capsys, "--only", "sign", "--data", images, "--logs", tmp_path / "logs", "--workers", 1)
    assert status == 1
    assert err.endswith("the correct training failed its check: off\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "factor-2-mising"], "--only is 'factor-2-mising'; expected one of the"),
        (["--only", "factor-2-mising"], "Did you mean 'factor-2-missing'?"),
        (["--epochs", "0"], "--epochs is 0; expected 1 or more."),
        (["--workers", "0"], "--workers is 0; expected 1 or more."),
        (["--learning-rate", "nan"], "--learning-rate is nan; expected a number above 0."),
        (["--figures", "/dev/null/x"], "/dev/null/x cannot be read or written: Not a directory"),
        (["--batch-size", "331"], "--batch-size is 331; the training set has 330 images."),
        (["--data", "nowhere.npz"], "nowhere.npz"),
        (["--logs", "/dev/null/x"], "The log folder /dev/null/x cannot be used: Not a directory. Choose another one"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, images, capsys, arguments, says):
    status, out, err = run(capsys, "--data", images, "--logs", tmp_path / "logs", *arguments)
    assert status == 2
    assert "Network" not in out
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "logs").exists()


def test_what_fails_half_way_leaves_nothing_behind(tmp_path, images, capsys, monkeypatch):
    def full(outcomes, folder, *others):
        (folder / "results.csv").write_text("half")
        raise OSError(28, "No space left on device", str(folder / "results.csv"))

    monkeypatch.setattr(it_trains_anyway, "write", full)
    status, _, err = run(capsys, "--only", "sign", "--data", images, "--logs", tmp_path / "logs", "--workers", 1)
    assert status == 2
    assert "No space left on device" in err
    assert list((tmp_path / "logs").iterdir()) == []


def test_ctrl_c_ends_with_130_and_nothing_written(tmp_path, images, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(it_trains_anyway, "train_all", interrupted)
    status, _, err = run(capsys, "--only", "sign", "--data", images, "--logs", tmp_path / "logs")
    assert (status, err) == (130, "experiments.it_trains_anyway: interrupted; nothing was written.\n")
    assert list((tmp_path / "logs").iterdir()) == []


@pytest.fixture
def listens_to_ctrl_c():
    """A shell that runs the tests in the background has them, and what they start, ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Ctrl-C goes to a process group")
@pytest.mark.parametrize("seconds", [0, 0.5, 1, 3])
def test_ctrl_c_ends_the_worker_processes_too(tmp_path, listens_to_ctrl_c, seconds):
    """Those that are starting, and those that train or send a result. The pipes end with the last that holds them."""
    np.savez(tmp_path / "made.npz", **made_images(num_train=2000))
    files = ["--data", str(tmp_path / "made.npz"), "--logs", str(tmp_path / "logs")]
    command = [sys.executable, "-m", it_trains_anyway.NAME, *files, "--workers", "2", "--epochs", "10"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes) as process:
        while not process.stdout.readline().startswith("Run "):
            assert process.poll() is None
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, err = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert (process.returncode, err) == (130, f"{it_trains_anyway.NAME}: interrupted; nothing was written.\n")
    assert list((tmp_path / "logs").iterdir()) == []


def test_ctrl_c_waits_until_a_process_has_started(listens_to_ctrl_c):
    seen = []

    def start():
        with workers._ctrl_c_held_back():
            signal.raise_signal(signal.SIGINT)
            seen.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert seen == ["the end of the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if hasattr(signal, "pthread_sigmask"):
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_trainings_that_nobody_waits_for_are_left_half_way():
    """The first stops at shapes that do not fit; the other one would take a minute or more."""
    setup = small_setup()
    setup = dataclasses.replace(setup, batches=setup.batches * 40_000, steps_per_epoch=len(setup.batches) * 40_000)
    trainings = train_all(["transpose-missing", CORRECT], setup, workers=2)
    assert next(trainings).name == "transpose-missing"
    before = time.perf_counter()
    trainings.close()
    assert time.perf_counter() - before < 20
    assert multiprocessing.active_children() == []
