"""The real thing: full MNIST from its source, the default run, the second recipe."""

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest

import train
from config import Config
from datasets import mnist

pytestmark = pytest.mark.full_mnist


def test_full_mnist_is_found_or_fetched_and_verified():
    data = mnist.load()
    assert (data.x_train.shape, data.x_test.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    assert (data.x_train.dtype, data.y_train.dtype) == (np.uint8, np.uint8)
    assert list(np.bincount(data.y_test)) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert list(data.y_train[:5]) == [5, 0, 4, 1, 9]


def test_the_default_run_reaches_its_accuracy_with_every_gradient_verified(tmp_path):
    result = train.train(Config(logs=tmp_path))
    assert result.test_accuracy > 0.94
    assert result.check.steps_checked == result.num_steps == 18_750
    assert result.check.tensors_checked == 112_500
    assert 0 < result.check.worst.error <= 1e-5
    assert result.history["loss"][-1] < 0.09


def test_the_second_recipe_reaches_its_accuracy_without_a_false_alarm(tmp_path):
    """Where one side has a ReLU on and the other off, at z = 0 to within rounding, both are right."""
    recipe = {"activation": "relu", "cost": "cross-entropy", "learning_rate": 0.1, "schedule": "cosine", "epochs": 30}
    result = train.train(Config(logs=tmp_path, **recipe))
    assert result.test_accuracy > 0.955
    assert result.check.steps_checked == 56_250
    assert result.check.steps_wrong == 0
