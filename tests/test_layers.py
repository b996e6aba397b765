"""Who may import whom, seen in a fresh interpreter; and what importing does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = {
    "backprop",
    "backprop_check",
    "callbacks",
    "command_line",
    "config",
    "datasets",
    "explain",
    "experiments",
    "grade",
    "grading",
    "microscope",
    "models",
    "runs",
    "train",
}
OTHER_PROGRAMS = {"explain", "experiments", "grade", "grading", "microscope"}
"""What `train.py` does without, and all that is built on it, but for what is said below."""
HEAVY = {"tensorflow", "keras", "tensorboard"}

ALLOWED = {
    "backprop": {"backprop"},
    "backprop.numeric": {"backprop"},
    "backprop.rounding": {"backprop"},
    "backprop.descent": {"backprop"},
    "datasets.mnist": {"datasets"},
    "config": {"config", "backprop", "datasets"},
    "command_line": {"command_line"},
    "models.mlp": {"models"} | HEAVY,
    "models.losses": {"models"} | HEAVY,
    "models.tape": {"models"} | HEAVY,
    "models.tensorflow_backend": {"models"} | HEAVY,
    "callbacks": {"callbacks"},
    "callbacks.record": {"callbacks"},
    "callbacks.ctrl_c": {"callbacks"} | HEAVY,
    "callbacks.finite_cost": {"callbacks", "backprop"} | HEAVY,
    "callbacks.gradient_check": {"callbacks", "backprop"} | HEAVY,
    "callbacks.in_background": {"callbacks"} | HEAVY,
    "callbacks.progress": {"callbacks", "backprop"} | HEAVY,
    "callbacks.cadence": {"callbacks", "backprop"},
    "callbacks.pictures": {"callbacks"},
    "callbacks.event_file": {"callbacks", "backprop"} | HEAVY,
    "callbacks.run_description": {"callbacks", "backprop"} | HEAVY,
    "callbacks.projector": {"callbacks", "backprop"} | HEAVY,
    "callbacks.step_values": {"callbacks", "backprop"} | HEAVY,
    "callbacks.epoch_summary": {"callbacks", "backprop"} | HEAVY,
    "callbacks.kept_steps": {"callbacks", "backprop", "backprop_check"} | HEAVY,
    "callbacks.tensorboard_log": {"callbacks", "backprop", "backprop_check"} | HEAVY,
    "backprop_check.format": {"backprop_check", "tensorboard"},
    "backprop_check.plugin": {"backprop_check", "tensorboard"},
    "train": (PROJECT - OTHER_PROGRAMS) | HEAVY,
    "microscope.weight": {"microscope", "backprop"},
    "microscope.report": {"microscope", "backprop"},
    "microscope.loading": (PROJECT - OTHER_PROGRAMS) | {"microscope"} | HEAVY,
    "explain": (PROJECT - OTHER_PROGRAMS) | {"explain", "microscope"} | HEAVY,
    "grading": {"grading"},
    "grading.confined.worker": {"grading"},
    "grading.sandbox": {"grading"},
    "grading.grader": {"grading", "backprop"},
    "grading.bug_hunt.__main__": {"grading", "backprop", "command_line"},
    "grade": {"grade", "grading", "backprop", "command_line"},
    "experiments.wrong_training": {"experiments", "backprop", "callbacks", "grading"},
    "experiments.workers": {"experiments", "backprop", "callbacks", "grading"},
    "experiments.wrong_outcomes": {"experiments", "backprop", "callbacks", "grading"},
    "experiments.it_trains_anyway": {"experiments", "backprop", "callbacks", "command_line", "datasets", "grading"},
    "experiments.wrong_run": (PROJECT - OTHER_PROGRAMS) | {"experiments", "grading"} | HEAVY,
    "experiments.printing": {"experiments"},
    "experiments.curves": {"experiments"},
    "experiments.claims": {"experiments"},
    "experiments.slices": {"experiments", "backprop"},
    "experiments.measuring": (PROJECT - OTHER_PROGRAMS) | {"experiments"} | HEAVY,
    "experiments.batch_sizes": (PROJECT - OTHER_PROGRAMS) | {"experiments"} | HEAVY,
    "experiments.cost_surface": (PROJECT - OTHER_PROGRAMS) | {"experiments"} | HEAVY,
}


def imported_by(module):
    """Top-level packages in a fresh interpreter after importing `module` from the project's folder."""
    program = f"import sys; import {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ALLOWED)
def test_a_module_imports_no_more_than_its_layer_may(module):
    assert (imported_by(module) & (PROJECT | HEAVY)) <= ALLOWED[module]


def test_backprop_needs_numpy_and_the_standard_library_only():
    loaded = imported_by("backprop, backprop.numeric, backprop.rounding")
    assert loaded - set(sys.stdlib_module_names) <= {"backprop", "numpy", "__main__"} | imported_by("numpy")


@pytest.mark.parametrize("module", ["grading.confined.worker", "grading.sandbox"])
def test_both_sides_of_the_sandbox_need_numpy_and_the_standard_library_only(module):
    loaded = imported_by(module)
    assert loaded - set(sys.stdlib_module_names) <= {"grading", "numpy", "__main__"} | imported_by("numpy")


def test_every_module_is_listed():
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("callbacks", "datasets", "experiments", "microscope", "models")
        for path in (ROOT / package).glob("*.py")
    }
    modules = {name.removesuffix(".__init__") for name in modules}
    only_docstrings = {"datasets", "experiments", "microscope", "models"}
    need_matplotlib = {"experiments.figures", "experiments.wrong_figure"}
    assert modules - set(ALLOWED) <= only_docstrings | need_matplotlib


@pytest.mark.parametrize("module", ["train", "explain"])
def test_importing_a_program_says_and_writes_nothing(tmp_path, module):
    work, home = tmp_path / "work", tmp_path / "home"  # libraries keep caches at home
    work.mkdir()
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=work,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(work.iterdir()) == []
