"""Batch sizes compared: equal work is equal, the costs are the weights' own, and what is said follows the numbers."""

import csv
import dataclasses
import io
import signal
import sys
from types import SimpleNamespace

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import backprop
import train
from config import Config
from experiments import batch_sizes, measuring
from experiments.claims import at_equal_time, at_equal_work, claims, faster_steps, first_to_reach, step_by_step
from experiments.curves import Comparison, Descent, Point, as_csv, examples_after, median, steps_for, steps_per_epoch
from experiments.measuring import CostCurve, Measure, RateTrial, TrainingClock, descend, epochs_of_trial, try_rates
from experiments.printing import NO_FIGURE
from tests.made import made_images

CONFIG = Config(hidden=(5,), learning_rate=0.5, dtype="float64", seed=3)
NUM_TRAIN = 130


def dataset(num_train=NUM_TRAIN):
    return train.Dataset.from_mnist(train.mnist.Mnist(**made_images(num_train, 40), source="made"), "float64")


def measure():
    return Measure(train.manual_network(CONFIG), dataset())


def by_hand(batch_size, steps, rate=CONFIG.learning_rate, first_epoch=0):
    """Parameters, cost and accuracy after so many steps of the manual module's own loop, from the same weights."""
    data = dataset()
    start = train.build_model(CONFIG, num_steps=1).get_weights()
    batches = []
    for epoch in range(1 + steps * batch_size // NUM_TRAIN):
        order = train.epoch_order(CONFIG.seed, first_epoch + epoch, NUM_TRAIN)
        batches += [order[i : i + batch_size] for i in range(0, NUM_TRAIN, batch_size)]
    network = train.manual_network(CONFIG)
    W, b = backprop.train(network, start[0::2], start[1::2], data.x_train, data.y_train, batches[:steps], rate)
    hidden, outputs = data.x_train, data.x_test
    for W_l, b_l in zip(W, b, strict=True):
        hidden, outputs = (1 / (1 + np.exp(-(a @ W_l + b_l))) for a in (hidden, outputs))
    cost = ((hidden - data.y_train) ** 2).sum(axis=1).mean()
    return cost, (outputs.argmax(axis=1) == data.y_test.argmax(axis=1)).mean()


# --- measuring --------------------------------------------------------------------------------------------------


def test_images_seen_and_steps_with_a_smaller_last_batch():
    """10 images in batches of 4, 4 and 2."""
    assert [examples_after(steps, 4, 10) for steps in range(5)] == [0, 4, 8, 10, 14]
    assert [steps_for(examples, 4, 10) for examples in (0, 1, 4, 5, 10, 11)] == [0, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("batch_size", [1, 7, 32, NUM_TRAIN])
def test_a_descent_measures_the_cost_of_the_weights_that_it_had(batch_size):
    """For the full batch this says too that it is the manual module's gradient descent."""
    descent = descend(CONFIG, measure(), batch_size, examples=3 * NUM_TRAIN, seconds=0)
    assert descent.points[0].steps == descent.points[0].examples == descent.points[0].seconds == 0
    assert len({point.cost for point in descent.points}) == len(descent.points) > 3
    for point in descent.points:
        cost, accuracy = by_hand(batch_size, point.steps)
        assert point.cost == pytest.approx(cost, rel=1e-9)
        assert point.accuracy == pytest.approx(accuracy)


@pytest.mark.parametrize("batch_size", [1, 7, 32, NUM_TRAIN])
@pytest.mark.parametrize("examples", [NUM_TRAIN, 200, 2 * NUM_TRAIN])
def test_equal_work_is_equal_to_within_one_batch(batch_size, examples):
    descent = descend(CONFIG, measure(), batch_size, examples=examples, seconds=0)
    assert examples <= descent.after_examples(examples).examples < examples + batch_size
    steps_of_a_call = measuring.steps_in_one_call(CONFIG, batch_size, NUM_TRAIN)
    assert descent.points[-1].examples < examples + batch_size * (1 + steps_of_a_call)
    assert descent.after_examples(100 * examples) is None


def test_a_descent_ends_when_both_its_work_and_its_time_are_done(monkeypatch):
    """A clock that moves by a second at each look: each call takes one."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    long_work = descend(CONFIG, measure(), NUM_TRAIN, examples=7 * NUM_TRAIN, seconds=3)
    long_time = descend(CONFIG, measure(), NUM_TRAIN, examples=2 * NUM_TRAIN, seconds=5)
    assert (long_work.points[-1].steps, long_work.points[-1].seconds) == (7, pytest.approx(7))
    assert (long_time.points[-1].steps, long_time.points[-1].seconds) == (5, pytest.approx(5))
    assert long_work.after_seconds(3).steps == 3
    assert long_time.after_examples(2 * NUM_TRAIN).steps == 2


def test_the_clock_counts_a_call_that_compiles_as_the_later_ones_of_its_shape():
    """Shape (2, 8): 9 s with compiling, then 1 and 3, in the mean 2. Shape (1, 4) comes once: 4 images at 4 s / 32."""
    clock = TrainingClock()
    for shape, seconds in (((2, 8), 9.0), ((2, 8), 1.0), ((1, 4), 7.0), ((2, 8), 3.0)):
        clock.add(shape, seconds)
    assert clock.ends() == pytest.approx([2, 3, 3.5, 6.5])
    assert clock.seconds == pytest.approx(6.5)


def test_a_single_call_counts_as_it_is():
    clock = TrainingClock()
    clock.add((1, 8), 4.0)
    assert clock.seconds == 4.0
    assert clock.ends() == [4.0]


def test_seconds_ascend_with_the_steps():
    seconds = [point.seconds for point in descend(CONFIG, measure(), 7, examples=300, seconds=0).points]
    assert seconds[0] == 0
    assert (np.diff(seconds) > 0).all()


def test_measuring_is_not_in_the_seconds(monkeypatch):
    """Each look at the clock is a second, and measuring a thousand."""
    now = [0.0]

    def look():
        now[0] += 1
        return now[0]

    def slow(self, parameters):
        now[0] += 1000
        return 0.5

    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=look))
    monkeypatch.setattr(Measure, "cost", slow)
    descent = descend(CONFIG, measure(), NUM_TRAIN, examples=4 * NUM_TRAIN, seconds=0)
    assert descent.points[-1].seconds == pytest.approx(4)


@pytest.mark.parametrize("batch_size", [10, NUM_TRAIN])
def test_each_rate_is_tried_from_the_same_weights(batch_size):
    rates = (0.125, 1.0, 3.0)
    found = try_rates(CONFIG, measure(), batch_size, rates, epochs=2)
    epochs = 20 if batch_size == NUM_TRAIN else 2
    steps = epochs * steps_per_epoch(batch_size, NUM_TRAIN)
    assert list(found) == list(rates)
    for i, (rate, cost) in enumerate(found.items()):
        assert cost == pytest.approx(by_hand(batch_size, steps, rate, first_epoch=i * epochs)[0], rel=1e-9)


def test_a_trial_has_some_steps_whatever_the_batch():
    assert epochs_of_trial(1, 32, 60_000) == 1
    assert epochs_of_trial(1, 60_000, 60_000) == measuring.STEPS_OF_TRIAL
    assert epochs_of_trial(3, 30_000, 60_000) == measuring.STEPS_OF_TRIAL // 2


def test_a_cost_that_is_no_number_is_never_the_best():
    trial = RateTrial(SimpleNamespace(cost=lambda weights: float("nan")), [1.0], 1)
    trial.set_model(SimpleNamespace(get_weights=list, set_weights=lambda w: None, optimizer=SimpleNamespace()))
    trial.on_epoch_begin(0)
    trial.on_epoch_end(0)
    assert trial.costs == [float("inf")]


# --- what is read off, and said ---------------------------------------------------------------------------------


def made_descent(batch_size, curve, rate=1.0, seed=0, accuracies=None):
    """`curve`: (steps, seconds, cost) of the points, for a training set of 1000."""
    accuracies = accuracies or [1 - cost for _, _, cost in curve]
    points = [
        Point(steps, examples_after(steps, batch_size, 1000), seconds, cost, accuracy)
        for (steps, seconds, cost), accuracy in zip(curve, accuracies, strict=True)
    ]
    return Descent(batch_size, 1000, rate, seed, tuple(points))


def comparison(small, full, **changes):
    """A batch of 10 against the full one; 3 epochs, 6 s."""
    descents = (made_descent(10, small), made_descent(1000, full))
    return dataclasses.replace(Comparison("own-rate", "Each", descents, examples=3000, seconds=6.0), **changes)


SMALL = [(0, 0, 2.0), (3, 0.1, 0.93), (300, 2.0, 0.2), (900, 6.0, 0.05)]
FULL = [(0, 0, 2.0), (3, 1.0, 0.90), (18, 6.0, 0.6)]
"""After 3 steps, 3,000 images and 6 s: 0.93, 0.2, 0.05 against 0.9, 0.9, 0.6."""


def test_the_lecture_is_right_where_the_numbers_say_so():
    ours = comparison(SMALL, FULL)
    assert "after the same 3 steps at the same rate the full batch has cost 0.900" in step_by_step(ours)
    assert step_by_step(ours).endswith("A mini-batch's steps do less with batch 10 (0.930): the claim holds.")
    assert "batch 10 has come to the lowest cost, 0.200, the full batch to 0.900" in at_equal_work(ours)
    assert "batch 10 has come to the lowest cost, 0.050, the full batch to 0.600" in at_equal_time(ours)
    assert "does not hold" not in at_equal_work(ours) + at_equal_time(ours)
    [sentence] = faster_steps(ours)
    assert "batch 10 makes 50 times as many steps a second" in sentence  # 900 / 6 to 18 / 6
    assert "sees 2 times as many images" in sentence  # 18,000 to 9,000
    assert "first batch 10, after 6 s; the full batch not within 6 s: the claim" in first_to_reach(ours, 0.9)
    assert len(claims(ours, ours, 0.9)) == 5


def test_the_lecture_is_wrong_where_the_numbers_say_so():
    ours = comparison(
        [(0, 0, 2.0), (3, 0.1, 0.5), (300, 2.0, 0.4), (900, 6.0, 0.3)],
        [(0, 0, 2.0), (3, 0.006, 0.6), (3000, 6.0, 0.01)],
        examples=3_000_000,
    )
    assert "batch 10 0.500: a mini-batch's steps are better. The claim does not hold" in step_by_step(ours)
    assert "the full batch has come to the lowest cost, 0.010. That" in at_equal_time(ours)
    assert at_equal_time(ours).endswith("does not hold here.")
    [sentence] = faster_steps(ours)
    assert "the claim does not hold here" in sentence  # 150 steps a second against 500
    assert "No mini-batch is there in less time: the claim does not hold" in first_to_reach(ours, 0.9)


def test_equal_costs_are_no_victory():
    ours = comparison(SMALL, [*FULL[:-1], (18, 6.0, 0.0504)])
    assert "as good. That mini-batches get further in the same time does not hold here" in at_equal_time(ours)
    nearly = comparison([(0, 0, 2.0), (3, 0.1, 0.905), *SMALL[2:]], FULL)
    assert step_by_step(nearly).endswith("and to 1 % so has every mini-batch: the claim does not show.")


def test_what_was_not_measured_is_not_claimed():
    alone = comparison(SMALL, FULL)
    alone = dataclasses.replace(alone, descents=alone.descents[:1])
    assert step_by_step(alone) == at_equal_work(alone) == at_equal_time(alone) == ""
    assert faster_steps(alone) == []
    short = comparison(SMALL, FULL, seconds=60.0)
    assert at_equal_time(short) == ""
    assert first_to_reach(alone, 0.999) == "99.9 % of the test images right: no batch size came to that."


def test_cuts_of_a_curve():
    descent = made_descent(10, SMALL)
    assert descent.after_examples(31).steps == 300
    assert descent.after_examples(9001) is None
    assert descent.after_seconds(6.1).steps == 900
    assert descent.after_seconds(60) is None
    assert descent.after_steps(3).cost == 0.93
    assert descent.after_steps(4) is None
    assert descent.reaching(0.8).steps == 300
    assert descent.reaching(0.99) is None


def test_the_median_with_what_was_not_reached():
    assert median([3.0, None, 1.0]) == 3.0
    assert median([None, None, 1.0]) is None
    assert median([5.0]) == 5.0


def test_the_best_rate_at_the_edge_of_the_grid_is_told():
    inside, low, high = {0.1: 3.0, 1.0: 1.0, 3.0: 2.0}, {0.1: 1.0, 1.0: 2.0}, {0.1: 2.0, 1.0: 1.0}
    assert batch_sizes.edge_warnings({10: inside}, 1000) == []
    assert batch_sizes.edge_warnings({10: low, 1000: high}, 1000) == [
        "Batch 10: 0.1 is the lowest rate tried; a lower one may be better.",
        "Batch full: 1 is the highest rate tried; a higher one may be better.",
    ]


def test_the_table_of_repeats_has_the_median_and_the_range():
    descents = tuple(
        made_descent(10, [(0, 0, 2.0), (300, 2.0, cost)], seed=i) for i, cost in enumerate((0.3, 0.1, 0.2))
    )
    ours = Comparison("own-rate", "Each", descents, examples=3000, seconds=2.0)
    text = io.StringIO()
    Console(file=text, width=80).print(batch_sizes.table_of_cut(ours, "work", 0.75))
    assert "0.2000  0.1000-0.3000" in text.getvalue()


def test_every_point_is_in_the_csv():
    ours = comparison(SMALL, FULL)
    rows = list(csv.DictReader(io.StringIO(as_csv([ours]))))
    assert len(rows) == len(SMALL) + len(FULL)
    assert {row["comparison"] for row in rows} == {"own-rate"}
    for row, (steps, seconds, cost) in zip(rows, SMALL + FULL, strict=True):
        assert (int(row["steps"]), float(row["seconds"]), float(row["training_cost"])) == (steps, seconds, cost)
        assert int(row["examples"]) == steps * int(row["batch_size"])


# --- the command ------------------------------------------------------------------------------------------------


def test_tensorboard_shows_images_as_steps_and_training_seconds_as_time(tmp_path):
    descent = made_descent(10, SMALL, rate=0.3)
    batch_sizes.write_run(tmp_path, "own-rate", descent)
    batch_sizes.write_run(tmp_path, "own-rate", dataclasses.replace(descent, seed=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own-rate-batch-10", "own-rate-batch-10-seed-1"]
    read = EventAccumulator(str(tmp_path / "own-rate-batch-10")).Reload()
    points = read.Scalars("cost/training set")
    assert [point.step for point in points] == [0, 30, 3000, 9000]
    assert [point.value for point in points] == pytest.approx([2.0, 0.93, 0.2, 0.05])
    assert [point.wall_time - points[0].wall_time for point in points] == pytest.approx([0, 0.1, 2, 6], abs=1e-5)
    assert [point.value for point in read.Scalars("accuracy/test")] == pytest.approx([-1, 0.07, 0.8, 0.95])
    assert "_hparams_/session_start_info" in read.summary_metadata
    content = read.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"batch_size" in content
    assert b"learning_rate" in content


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "made.npz"
    np.savez(path, **made_images(200, 40))
    return path


def options_for(images, tmp_path, *more):
    return [f"--data={images}", f"--logs={tmp_path / 'logs'}", "--seconds=0.05", "--epochs=2", *more]


def test_the_command_measures_prints_and_writes(images, tmp_path, capsys):
    argv = options_for(images, tmp_path, "--batch-sizes", "10", "full", "--rates", "0.3", "1", "3", "--repeats", "2")
    assert batch_sizes.main(argv) == 0
    out = capsys.readouterr().out.partition("do not apply.\n")[2]  # after the note on made images
    assert max(map(len, out.splitlines()[:-4])) <= 80  # below are paths
    for text in ("All at rate 1, 400 images each", "Each at its own best rate, 0.05 s each", "- Equal work: from"):
        assert text in out
    [folder] = (tmp_path / "logs").iterdir()
    rows = list(csv.DictReader(io.StringIO((folder / "results.csv").read_text())))
    kinds = {(row["comparison"], row["batch_size"], row["seed"]) for row in rows}
    assert kinds == {(c, b, s) for c in ("same-rate", "own-rate") for b in ("10", "200") for s in "01"}
    assert len(list(folder.glob("*/events*"))) == 8
    starts = {row["training_cost"] for row in rows if row["steps"] == "0" and row["seed"] == "0"}
    assert len(starts) == 1  # from the same weights
    assert {path.suffix for path in folder.iterdir() if path.is_file()} <= {".csv", ".png"}


def test_without_matplotlib_it_measures_and_says_how_to_get_the_figure(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "experiments.figures", raising=False)
    assert batch_sizes.main(options_for(images, tmp_path, "--batch-sizes", "full", "--trial-epochs", "0")) == 0
    assert NO_FIGURE in capsys.readouterr().out
    [folder] = (tmp_path / "logs").iterdir()
    assert (folder / "results.csv").exists()
    assert not list(folder.glob("*.png"))


def test_with_matplotlib_the_figure_goes_where_it_is_wanted(images, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    argv = options_for(images, tmp_path, "--batch-sizes", "10", "full", "--trial-epochs", "0")
    assert batch_sizes.main([*argv, f"--figures={tmp_path / 'docs'}"]) == 0
    assert (tmp_path / "docs" / "gradient-descent.png").read_bytes()[:4] == b"\x89PNG"
    assert not list((tmp_path / "docs").glob("*.part"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--batch-sizes", "201"], "--batch-sizes has 201; the training set has 200 images. full takes all of them."),
        (
            ["--batch-sizes", "1", "ful"],
            "--batch-sizes is 'ful'; expected one of: full, whole numbers. Did you mean 'full'?",
        ),
        (["--batch-sizes", "2.5"], "--batch-sizes is '2.5'; expected one of: full, whole numbers."),
        (["--batch-sizes", "0"], "--batch-sizes has 0; expected 1 or more, or full."),
        (["--rates", "1", "0"], "--rates has 0; expected numbers above 0."),
        (["--rates", "nan"], "--rates has nan; expected numbers above 0."),
        (["--learning-rate", "-1"], "--learning-rate is -1; expected a number above 0."),
        (["--epochs", "0"], "--epochs is 0; expected 1 or more."),
        (["--seconds", "inf"], "--seconds is inf; expected 0 or more."),
        (["--accuracy", "90"], "--accuracy is 90; expected a share above 0, at most 1."),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(wrong, said, images, tmp_path, capsys):
    assert batch_sizes.main(options_for(images, tmp_path, *wrong)) == 2
    assert capsys.readouterr().err == f"experiments.batch_sizes: {said}\n"
    assert not (tmp_path / "logs").exists()


def test_ctrl_c_keeps_what_was_measured(images, tmp_path, capsys, monkeypatch):
    written = batch_sizes.write_run

    def write_and_interrupt(*args):
        written(*args)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(batch_sizes, "write_run", write_and_interrupt)
    argv = options_for(images, tmp_path, "--batch-sizes", "10", "full", "--trial-epochs", "0")
    assert batch_sizes.main(argv) == 130
    out, err = capsys.readouterr()
    assert err == "experiments.batch_sizes: interrupted; kept is what was measured so far.\n"
    [folder] = (tmp_path / "logs").iterdir()
    rows = list(csv.DictReader(io.StringIO((folder / "results.csv").read_text())))
    assert {row["batch_size"] for row in rows} == {"10"}
    assert "All at rate 1, 400 images each" in out


def test_ctrl_c_before_anything_leaves_nothing(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(CostCurve, "on_train_begin", lambda self, logs=None: signal.raise_signal(signal.SIGINT))
    argv = options_for(images, tmp_path, "--batch-sizes", "full", "--trial-epochs", "0")
    assert batch_sizes.main(argv) == 130
    assert capsys.readouterr().err == "experiments.batch_sizes: interrupted before anything was measured.\n"
    assert list((tmp_path / "logs").iterdir()) == []


# --- the figure -------------------------------------------------------------------------------------------------


def test_names_at_lines_ends_keep_their_order_and_do_not_overlap():
    figures = pytest.importorskip("experiments.figures")
    heights = [0.9, 0.1, 0.11, 0.12, 0.5]
    places = figures.spread_out(heights, 0.1)
    assert np.argsort(places).tolist() == np.argsort(heights).tolist()
    assert np.diff(sorted(places)).min() >= 0.1 - 1e-12
    assert (places[0], places[4]) == (0.9, 0.5)  # those with room stay
    raised = figures.spread_out(heights, 0.1, lowest=0.05)
    assert min(raised) == 0.05
    assert np.diff(sorted(raised)).min() >= 0.1 - 1e-12
    assert (raised[0], raised[4]) == (0.9, 0.5)


def test_the_figure_shows_the_curves_up_to_the_cut():
    figures = pytest.importorskip("experiments.figures")
    ours = comparison(SMALL, FULL)
    left, right = figures.cost_curves(ours).axes
    np.testing.assert_allclose(left.lines[0].get_xydata(), [(30, 0.93), (3000, 0.2)])
    np.testing.assert_allclose(right.lines[1].get_xydata(), [(1, 0.9), (6, 0.6)])
    assert [text.get_text() for text in left.texts] == ["10, rate 1", "full, rate 1"]
