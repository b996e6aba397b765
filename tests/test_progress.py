"""What the terminal shows: the same lines for a person at a terminal and for a file, the bar for the person only."""

import io

import models.tensorflow_backend  # noqa: F401

import pytest
from rich.console import Console

from callbacks.progress import ProgressTable


def shown(is_terminal, epochs=2, logs=None):
    stream = io.StringIO()
    progress = ProgressTable(Console(file=stream, force_terminal=is_terminal, width=100))
    progress.set_params({"epochs": epochs, "steps": 10})
    progress.on_train_begin()
    for epoch in range(epochs):
        progress.on_epoch_begin(epoch)
        progress.on_train_batch_end(4, {"loss": 0.5, "accuracy": 0.25})
        progress.on_epoch_end(
            epoch,
            {"loss": 0.4, "accuracy": 0.5, "val_loss": 0.375, "val_accuracy": 0.75} | (logs or {}),
        )
    progress.on_train_end()
    return stream.getvalue()


def test_a_line_for_each_epoch():
    lines = shown(is_terminal=False, logs={"gradient_error": 1.5e-6}).splitlines()
    assert len(lines) == 4
    assert lines[2].split()[:-1] == ["1/2", "0.4000", "50.00%", "0.3750", "75.00%", "1.5e-06"]
    assert all(len(line) <= 80 for line in lines)


def test_columns_stand_under_their_heads():
    _, heads, line, _ = shown(is_terminal=False, logs={"gradient_error": 1.5e-6}).splitlines()
    for head, value in (("accuracy", "50.00%"), ("error so far", "1.5e-06")):
        assert heads.index(head) + len(head) == line.index(value) + len(value)


def test_without_a_check_no_error_is_claimed():
    assert shown(is_terminal=False).count("not checked") == 2


def test_an_error_that_is_all_rounding():
    assert shown(is_terminal=False, logs={"gradient_error": float("nan")}).count("rounding only") == 2


@pytest.mark.parametrize(("is_terminal", "bars"), [(True, True), (False, False)])
def test_the_bar_is_for_a_terminal_only(is_terminal, bars):
    out = shown(is_terminal)
    assert ("5/10" in out) == bars
    assert ("━" in out) == bars
