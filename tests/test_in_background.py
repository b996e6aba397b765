"""Callbacks in the background: they see what they would see otherwise, and their errors are not lost."""

import threading

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np
import pytest
from threadpoolctl import threadpool_info

import train
from callbacks.gradient_check import GradientCheck, GradientMismatch
from callbacks.in_background import InBackground
from config import Config
from tests.test_fit import Hooks, dataset
from tests.test_gradient_check import with_fault


def fit_with(*callbacks, epochs=1, steps_per_execution=4):
    """330 images in batches of 32: records of 4, 4, 2 and 1 steps in each epoch."""
    data = dataset()
    model = train.build_model(Config(), num_steps=11 * epochs)
    train.fit(model, data, batch_size=32, epochs=epochs, steps_per_execution=steps_per_execution, callbacks=callbacks)
    return model


def test_the_callbacks_see_what_they_would_see_otherwise():
    inside, beside = Hooks(), Hooks()
    fit_with(InBackground([inside]), beside, epochs=2)
    of_steps = ("batch begin", "batch end", "test begin", "test batch begin", "test batch end", "test end")
    assert inside.calls == [call for call in beside.calls if call[0] not in of_steps]
    for seen, expected in zip(inside.records, beside.records, strict=True):
        assert seen is expected


def test_a_record_is_worked_on_while_the_next_steps_are_trained():
    """The first record's callback waits until the second record was made: alone in its thread, it gets there."""
    made_two = threading.Event()

    class Waits(keras.callbacks.Callback):
        def on_gradients(self, record):
            if record.first_step == 0:
                assert made_two.wait(timeout=60)

    class Tells(keras.callbacks.Callback):
        def on_gradients(self, record):
            if record.first_step == 4:
                made_two.set()

    fit_with(Tells(), InBackground([Waits()]))


def test_records_come_one_at_a_time_and_the_callbacks_in_their_order():
    calls = []

    class Writes(keras.callbacks.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_gradients(self, record):
            calls.append((self.name, record.first_step, threading.current_thread() is threading.main_thread()))

    fit_with(InBackground([Writes("a"), Writes("b")]))
    assert calls == [(name, step, False) for step in (0, 4, 8, 10) for name in "ab"]


def test_a_finished_record_does_not_change_while_the_training_goes_on():
    """The arrays are TensorFlow's own memory: a later call must not write into them."""

    class Compares(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.kept = []

        def on_gradients(self, record):
            self.kept.append((record, [g.copy() for g in record.gradients], [p.copy() for p in record.parameters]))

    compares = Compares()
    fit_with(InBackground([compares]), epochs=3)
    for record, gradients, parameters in compares.kept:
        for now, then in zip((*record.gradients, *record.parameters), gradients + parameters, strict=True):
            np.testing.assert_array_equal(now, then)


class Breaks(GradientCheck):
    """A check that is shown a wrong gradient in one step."""

    def __init__(self, step):
        data = dataset()
        super().__init__(train.manual_network(Config()), data.x_train, data.y_train)
        self.step = step

    def on_gradients(self, record):
        if record.first_step == self.step:
            record = with_fault(record, "gradients", 0, lambda g: 2 * g)
        super().on_gradients(record)


@pytest.mark.parametrize("step", [0, 4, 10])
def test_a_mismatch_ends_the_training_wherever_it_is(step):
    """Also in an epoch's last record, after which none comes."""
    hooks = Hooks()
    with pytest.raises(GradientMismatch, match=f"epoch 1, step {step + 1} "):
        fit_with(InBackground([Breaks(step)]), hooks, epochs=2)
    assert hooks.calls[-1] == ("train end",)
    assert ("epoch begin", 1) not in hooks.calls


def test_when_something_else_ends_the_training_the_last_record_is_still_told():
    class Interrupts(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 7:
                raise KeyboardInterrupt

    checks, hooks = InBackground([Breaks(4)]), Hooks()
    with pytest.raises(KeyboardInterrupt):
        fit_with(checks, Interrupts(), hooks)
    assert hooks.calls[-1] == ("train end",)
    with pytest.raises(GradientMismatch, match="epoch 1, step 5 "):
        checks.wait()
    checks.wait()  # told once


class Records(keras.callbacks.Callback):
    """Notes which records it sees, and how many were seen when the training ended."""

    def __init__(self):
        super().__init__()
        self.steps, self.at_train_end = [], None

    def on_gradients(self, record):
        self.steps.append(record.first_step)

    def on_train_end(self, logs=None):
        self.at_train_end = len(self.steps)


def test_then_come_those_who_show_what_was_found():
    """Each record in its turn, with what the first callbacks left with it; and all of them before the training ends."""
    found = []

    class Shows(Records):
        def on_gradients(self, record):
            super().on_gradients(record)
            found.append((record.found["by the first"], threading.current_thread() is threading.main_thread()))

    class Finds(keras.callbacks.Callback):
        def on_gradients(self, record):
            record.found["by the first"] = record.first_step

    shows = Shows()
    fit_with(InBackground([Finds()], then=[shows]), epochs=2)
    assert shows.steps == [0, 4, 8, 10, 11, 15, 19, 21]
    assert found == [(step, False) for step in shows.steps]
    assert shows.at_train_end == 8


def test_then_is_at_work_while_the_first_callbacks_go_on():
    """It waits for the first ones to see the next record: alone in their thread, they get there."""
    saw_two = threading.Event()

    class Tells(keras.callbacks.Callback):
        def on_gradients(self, record):
            if record.first_step == 4:
                saw_two.set()

    class Waits(keras.callbacks.Callback):
        def on_gradients(self, record):
            assert saw_two.wait(timeout=60)

    fit_with(InBackground([Tells()], then=[Waits()]))


@pytest.mark.parametrize("step", [0, 4, 10])
def test_then_sees_the_record_at_which_a_check_ends_the_training_and_none_after_it(step):
    shows = Records()
    with pytest.raises(GradientMismatch, match=f"epoch 1, step {step + 1} "):
        fit_with(InBackground([Breaks(step)], then=[shows]), epochs=2)
    assert shows.steps[-1] == step or shows.steps[-2] == step  # one more was on its way
    assert shows.at_train_end == len(shows.steps)


def test_an_error_of_then_ends_the_training_too():
    class Fails(keras.callbacks.Callback):
        def __init__(self, step):
            super().__init__()
            self.step = step

        def on_gradients(self, record):
            if record.first_step == self.step:
                raise OSError("the disk is full")

    hooks = Hooks()
    with pytest.raises(OSError, match="the disk is full"):
        fit_with(InBackground([], then=[Fails(8)]), hooks, epochs=2)
    assert hooks.calls[-1] == ("train end",)

    background = InBackground([], then=[Fails(10)])  # the training's last record: told by `wait`
    fit_with(background)
    with pytest.raises(OSError, match="the disk is full"):
        background.wait()


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_blas_has_one_thread_meanwhile_and_its_threads_back_afterwards():
    before, during = blas_threads(), []

    class Looks(keras.callbacks.Callback):
        def on_gradients(self, record):
            during.append(blas_threads())

    fit_with(InBackground([], then=[Looks()]))
    with pytest.raises(GradientMismatch):
        fit_with(InBackground([Breaks(4)]))
    assert set(map(tuple, during)) == {(1,) * len(before)}
    assert blas_threads() == before


def test_it_can_train_twice():
    hooks = Hooks()
    background = InBackground([hooks])
    fit_with(background)
    fit_with(background)
    assert len(hooks.records) == 8


def test_an_epoch_ends_when_its_last_record_is_done_with():
    """Its mismatch is raised, also at the end of the training; what the check adds to the logs counts all steps."""
    with pytest.raises(GradientMismatch, match="epoch 1, step 11 "):
        fit_with(InBackground([Breaks(10)]))
    check, at_the_end = Breaks(step=-1), []

    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            at_the_end.append((check.steps_checked, logs["gradient_error"] == check.worst.error))

    fit_with(InBackground([check]), Looks(), epochs=2)
    assert at_the_end == [(11, True), (22, True)]
