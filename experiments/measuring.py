"""Descents that are measured on their way: all training is `train.fit`'s, and these are callbacks to it."""

import dataclasses
import math
import time
from collections.abc import Sequence

import models.tensorflow_backend  # noqa: F401

import keras
import numpy as np

import train
from backprop.network import Arrays, Network, batch_cost, forward
from callbacks.record import Array, GradientRecord
from config import Config
from experiments.curves import Descent, Point, examples_after, steps_for, steps_per_epoch

POINTS_PER_DECADE = 8
"""How dense a curve is: points for each tenfold of the images seen."""

STEPS_COMPARED = (1, 3, 10, 30, 100)
"""Measured in each descent, so that descents can be compared step by step."""

STEPS_OF_TRIAL = 20
"""The fewest steps by which a learning rate is judged."""

CALLS_PER_EPOCH = 20
"""Of the compiled steps, at least: between two calls a descent can be stopped."""


class TrainingClock:
    """The seconds that calls of the compiled steps take, without their compiling.

    XLA compiles at the first call with batches of a new shape. That call counts as the later ones of its shape take in
    the mean; where there are none, its images count as all others do. A single call counts as it is.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[tuple[int, ...], float]] = []
        self._later: dict[tuple[int, ...], tuple[int, float]] = {}  # number and seconds of the calls after the first

    def add(self, shape: tuple[int, ...], seconds: float) -> None:
        """Count a call.

        Args:
            shape: (K, B), of its batches.
            seconds: as measured.
        """
        self._calls.append((shape, seconds))
        number, total = self._later.get(shape, (-1, 0.0))
        self._later[shape] = (number + 1, total + seconds if number >= 0 else 0.0)

    @property
    def seconds(self) -> float:
        """Of all calls so far."""
        return sum(
            total + (total / number if number else self._pace * math.prod(shape))
            for shape, (number, total) in self._later.items()
        )

    def ends(self) -> list[float]:
        """Seconds from the first call's beginning to the end of each."""
        seen, durations = set(), []
        for shape, seconds in self._calls:
            number, total = self._later[shape]
            first = shape not in seen
            seen.add(shape)
            durations.append((total / number if number else self._pace * math.prod(shape)) if first else seconds)
        return np.cumsum(durations).tolist()

    @property
    def knows_the_pace(self) -> bool:
        """Whether any call was timed that did not compile: before, its compiling would count as training."""
        return any(number for number, _ in self._later.values())

    @property
    def _pace(self) -> float:
        """Seconds for each image, in calls that did not compile."""
        images = sum(number * math.prod(shape) for shape, (number, _) in self._later.items())
        if images:
            return sum(total for _, total in self._later.values()) / images
        return sum(seconds for _, seconds in self._calls) / sum(math.prod(shape) for shape, _ in self._calls)


@dataclasses.dataclass(frozen=True)
class Measure:
    """Measures a network: its cost on the whole training set, its accuracy on the test set.

    Attributes:
        network: for the manual module.
        data: both sets.
    """

    network: Network
    data: train.Dataset

    def cost(self, parameters: Arrays) -> float:
        """Of kernels and biases in the order of `GradientRecord`."""
        _, a = forward(self.network, parameters[0::2], parameters[1::2], self.data.x_train)
        return float(batch_cost(self.network, a[-1], self.data.y_train).astype(np.float64))

    def accuracy(self, parameters: Arrays) -> float:
        """Share of the test images whose largest output is the right one."""
        _, a = forward(self.network, parameters[0::2], parameters[1::2], self.data.x_test)
        return float((a[-1].argmax(axis=-1) == self.data.y_test.argmax(axis=-1)).mean())


class CostCurve(keras.callbacks.Callback):
    """Measures the cost after chosen steps, and ends the training when both its work and its time are done.

    The record has the parameters at each step, so that any step can be measured, though many are trained in one call.
    Its seconds are the call's, shared out evenly among its steps. The time that measuring takes is in none of them.

    Args:
        measure: what to measure.
        batch_size: B.
        examples: the work, in images seen.
        seconds: the time of training.
    """

    def __init__(self, measure: Measure, batch_size: int, examples: int, seconds: float) -> None:
        super().__init__()
        self.measure = measure
        self.batch_size = batch_size
        self.num_examples = len(measure.data.x_train)
        self.last_step = steps_for(examples, batch_size, self.num_examples)
        self.seconds = seconds
        self.chosen = chosen_steps(batch_size, examples, self.num_examples)
        self.clock = TrainingClock()
        self._measured: list[tuple[float, Point]] = []  # the calls done by then, with a fraction; seconds yet unknown
        self._calls = 0
        self._time_is_up = False

    def on_train_begin(self, logs: dict | None = None) -> None:  # noqa: ARG002
        """Measure the beginning."""
        self._add(0, 0.0, [variable.numpy() for variable in self.model.trainable_variables])

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """A call begins."""
        self._began = time.perf_counter()

    def on_gradients(self, record: GradientRecord) -> None:
        """A call has ended: count its time, then measure."""
        self.clock.add(record.indices.shape, time.perf_counter() - self._began)
        first, last = record.first_step, record.first_step + len(record)
        chosen = {int(step) for step in self.chosen[(self.chosen > first) & (self.chosen <= last)]}
        if not self._time_is_up and self.clock.knows_the_pace and self.clock.seconds >= self.seconds:
            self._time_is_up = True
            chosen.add(last)
        for step in sorted(chosen):
            parameters = [record.parameter_after(i, np.array([step - first - 1]))[0] for i in range(len(record.names))]
            self._add(step, self._calls + (step - first) / len(record), parameters)
        self._calls += 1
        if self._time_is_up and last >= self.last_step:
            self.model.stop_training = True

    def _add(self, step: int, calls: float, parameters: Sequence[Array]) -> None:
        examples = examples_after(step, self.batch_size, self.num_examples)
        point = Point(step, examples, 0.0, self.measure.cost(parameters), self.measure.accuracy(parameters))
        self._measured.append((calls, point))

    def points(self) -> tuple[Point, ...]:
        """What was measured, with the seconds that are known now."""
        ends = [0.0, *self.clock.ends()]
        at = np.interp([calls for calls, _ in self._measured], np.arange(len(ends)), ends)
        return tuple(
            dataclasses.replace(point, seconds=float(seconds))
            for seconds, (_, point) in zip(at, self._measured, strict=True)
        )


def chosen_steps(batch_size: int, examples: int, num_examples: int) -> Array:
    """The steps after which a descent is measured: evenly by the logarithm of the images seen, and some by number.

    Returns:
        int64 (n,), ascending, to a hundred times the work, in case that the time is longer.
    """
    decades = math.log10(100 * examples / batch_size)
    seen = batch_size * np.logspace(0, decades, 1 + math.ceil(POINTS_PER_DECADE * decades))
    steps = [steps_for(int(n), batch_size, num_examples) for n in seen]
    return np.unique([*steps, *STEPS_COMPARED, steps_for(examples, batch_size, num_examples)])


def steps_in_one_call(config: Config, batch_size: int, num_examples: int) -> int:
    """As many as an ordinary training has, but at most a twentieth of an epoch."""
    steps = steps_per_epoch(batch_size, num_examples)
    return max(1, min(config.steps_in_one_call, steps // CALLS_PER_EPOCH))


def descend(
    config: Config,
    measure: Measure,
    batch_size: int,
    *,
    examples: int,
    seconds: float,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Descent:
    """Train, and measure on the way, until so many images are seen and so many seconds trained.

    Args:
        config: the network, the learning rate, the seed.
        measure: on which data.
        batch_size: B.
        examples: the work, in images seen.
        seconds: the time of training.
        callbacks: called after the measuring. Where one of them raises KeyboardInterrupt, the descent ends there;
            before anything but the start was measured, it is raised on.
    """
    curve = CostCurve(measure, batch_size, examples, seconds)
    num_examples = len(measure.data.x_train)
    try:
        train.fit(
            train.build_model(config, num_steps=1),
            measure.data,
            batch_size=batch_size,
            epochs=10**6,  # the curve ends it
            seed=config.seed,
            steps_per_execution=steps_in_one_call(config, batch_size, num_examples),
            jit_compile=config.jit_compile,
            callbacks=[curve, *callbacks],
        )
    except KeyboardInterrupt:
        if len(curve.points()) < 2:
            raise
    return Descent(batch_size, num_examples, config.learning_rate, config.seed, curve.points())


class RateTrial(keras.callbacks.Callback):
    """Tries learning rates one after the other in a single training: for each, back to the first weights.

    Args:
        measure: by whose cost on the training set rates are judged.
        rates: to be tried, in this order.
        epochs: of training with each.
    """

    def __init__(self, measure: Measure, rates: Sequence[float], epochs: int) -> None:
        super().__init__()
        self.measure = measure
        self.rates = rates
        self.epochs = epochs
        self.costs: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """Where a trial begins: the first weights, and its rate."""
        if epoch == 0:
            self._start = self.model.get_weights()
        if epoch % self.epochs == 0:
            self.model.set_weights(self._start)
            self.model.optimizer.learning_rate = self.rates[epoch // self.epochs]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """Where a trial ends: the cost."""
        if (epoch + 1) % self.epochs == 0:
            cost = self.measure.cost(self.model.get_weights())
            self.costs.append(cost if math.isfinite(cost) else math.inf)


def epochs_of_trial(epochs: int, batch_size: int, num_examples: int) -> int:
    """So many, or what `STEPS_OF_TRIAL` steps take: with a large batch an epoch is but a few."""
    return max(epochs, math.ceil(STEPS_OF_TRIAL / steps_per_epoch(batch_size, num_examples)))


def try_rates(
    config: Config,
    measure: Measure,
    batch_size: int,
    rates: Sequence[float],
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[float, float]:
    """The cost on the whole training set after a short training with each rate, all from the same weights.

    Args:
        config: the network and the seed.
        measure: on which data.
        batch_size: B.
        rates: learning rates.
        epochs: of training with each; more where they have fewer than `STEPS_OF_TRIAL` steps.
        callbacks: called after the measuring.
    """
    num_examples = len(measure.data.x_train)
    trial = RateTrial(measure, rates, epochs_of_trial(epochs, batch_size, num_examples))
    train.fit(
        train.build_model(config, num_steps=1),
        measure.data,
        batch_size=batch_size,
        epochs=trial.epochs * len(rates),
        seed=config.seed,
        steps_per_execution=steps_in_one_call(config, batch_size, num_examples),
        jit_compile=config.jit_compile,
        callbacks=[trial, *callbacks],
    )
    return dict(zip(rates, trial.costs, strict=True))
