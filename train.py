"""Train the lecture's network on MNIST by stochastic gradient descent, and verify every gradient on the way.

    python train.py              the lecture's network: 784-16-16-10, sigmoid, squared error; about 94.6 % in 10 epochs
    python train.py --help       what can be changed

The file reads from top to bottom in the order of the work: data, model, step, loop, run, main. What can be configured
stands in `config.py`.
"""

import dataclasses
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from models.tensorflow_backend import leave_one_processor  # before all that imports TensorFlow

import keras
import numpy as np
import tensorflow as tf
import tyro
from rich.console import Console

import runs
from backprop.network import Network
from callbacks.ctrl_c import CtrlC
from callbacks.finite_cost import FiniteCost, NonFiniteCost
from callbacks.gradient_check import GradientCheck, GradientMismatch
from callbacks.in_background import InBackground
from callbacks.progress import ProgressTable
from callbacks.record import GradientRecord
from callbacks.tensorboard_log import TensorBoardLog
from command_line import exit_status
from config import Config, ConfigError
from datasets import mnist
from models.losses import build_loss
from models.mlp import build_mlp

# --- data -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images and labels as the network takes them; any other inputs and targets for `fit` alone.

    Attributes:
        x_train, x_test: dtype (N, inputs); here 784 pixels in [0, 1].
        y_train, y_test: dtype (N, outputs); here 10, one-hot.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @classmethod
    def from_mnist(cls, data: mnist.Mnist, dtype: str) -> "Dataset":
        """Scale the pixels and spread the labels."""
        return cls(
            mnist.inputs(data.x_train, dtype),
            mnist.targets(data.y_train, dtype),
            mnist.inputs(data.x_test, dtype),
            mnist.targets(data.y_test, dtype),
        )


def batch_size_for(config: Config, num_samples: int) -> int:
    """The batch size as a number.

    Raises:
        ConfigError: where it is larger than the training set.
    """
    if config.batch_size == "full":
        return num_samples
    if config.batch_size > num_samples:
        raise ConfigError(f"--batch-size is {config.batch_size:,}; the training set has {num_samples:,} images.")
    return config.batch_size


def epoch_order(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    """The order of the training set in one epoch: a permutation that depends on nothing but seed and epoch.

    Returns:
        int32 (num_samples,).
    """
    return np.random.default_rng([seed, epoch]).permutation(num_samples).astype(np.int32)


def cut_into_batches(order: np.ndarray, batch_size: int, steps_per_execution: int) -> Iterator[np.ndarray]:
    """Cut an epoch's order into batches, and hand them out several at a time.

    The last batch may be smaller; it comes alone.

    Args:
        order: int32 (N,).
        batch_size: B.
        steps_per_execution: the largest K.

    Yields:
        int32 (K, B), rows of the training set.
    """
    num_full = len(order) // batch_size
    full, rest = order[: num_full * batch_size].reshape(num_full, batch_size), order[num_full * batch_size :]
    for first in range(0, num_full, steps_per_execution):
        yield full[first : first + steps_per_execution]
    if len(rest) > 0:
        yield rest[np.newaxis]


# --- model ------------------------------------------------------------------------------------------------------


def build_model(config: Config, num_steps: int) -> keras.Sequential:
    """The network with its cost and its optimizer, ready to train.

    Args:
        config: what to build.
        num_steps: of the whole training, over which a cosine schedule lowers the learning rate.
    """
    model = build_mlp(
        hidden=config.hidden,
        activation=config.activation,
        output_activation=config.output_activation,
        dtype=config.dtype,
        seed=config.seed,
    )
    learning_rate: Any = config.learning_rate
    if config.schedule == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, decay_steps=num_steps)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss=build_loss(config.cost, config.dtype),
        metrics=["accuracy"],
    )
    return model


def manual_network(config: Config) -> Network:
    """The same network for the manual module."""
    return Network.from_names([config.activation] * len(config.hidden) + [config.output_activation], config.cost)


# --- step -------------------------------------------------------------------------------------------------------


def compile_train_steps(model: keras.Model, x: tf.Tensor, y: tf.Tensor, jit_compile: bool) -> Callable:
    """Build the function that trains: many steps in one compiled call, each with all its gradients on record.

    Args:
        model: built and compiled with a loss and an optimizer.
        x: (N, inputs), the training set.
        y: (N, outputs).
        jit_compile: whether XLA compiles it.

    Returns:
        A function from batches, int32 (K, B), to a dict with the entries `costs`, `num_correct`, `learning_rates`,
        `parameters`, `final_parameters` and `gradients` of `GradientRecord`. XLA compiles it anew for each shape of
        batches.
    """
    variables = model.trainable_variables
    if not model.optimizer.built:
        model.optimizer.build(variables)

    def train_step(batch: tf.Tensor) -> dict[str, Any]:
        """One step of gradient descent on the rows `batch`, (B,), of the training set."""
        targets = tf.gather(y, batch)  # (B, outputs)
        with tf.GradientTape() as tape:
            outputs = model(tf.gather(x, batch), training=True)  # (B, outputs)
            cost = model.loss(targets, outputs)
        gradients = tape.gradient(cost, variables)
        before_the_update = {
            "costs": cost,
            "num_correct": count_correct(targets, outputs),
            "learning_rates": tf.cast(model.optimizer.learning_rate, cost.dtype),
            "parameters": tuple(tf.identity(variable) for variable in variables),
            "gradients": tuple(gradients),
        }
        model.optimizer.apply(gradients, variables)
        return before_the_update

    @tf.function(jit_compile=jit_compile, input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def train_steps(batches: tf.Tensor) -> dict[str, Any]:
        """One step for each row of `batches`, one after the other; what they return is stacked."""
        signature = {
            "costs": tf.TensorSpec((), x.dtype),
            "num_correct": tf.TensorSpec((), tf.int32),
            "learning_rates": tf.TensorSpec((), x.dtype),
            "parameters": tuple(tf.TensorSpec(variable.shape, variable.dtype) for variable in variables),
            "gradients": tuple(tf.TensorSpec(variable.shape, variable.dtype) for variable in variables),
        }
        # a loop in which each step waits for the one before: it reads the parameters that the other wrote
        steps = tf.map_fn(train_step, batches, fn_output_signature=signature, parallel_iterations=1)
        return steps | {"final_parameters": tuple(tf.identity(variable) for variable in variables)}

    return train_steps.get_concrete_function()


def count_correct(targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """How many rows have their largest output where the target is: int32 ()."""
    hits = tf.argmax(outputs, axis=-1) == tf.argmax(targets, axis=-1)
    return tf.math.count_nonzero(hits, dtype=tf.int32)


def evaluate(model: keras.Model, x: tf.Tensor, y: tf.Tensor) -> tuple[float, int]:
    """Cost and number of correct answers over all of x, (N, inputs), and y, (N, outputs)."""
    outputs = model(x, training=False)
    return float(model.loss(y, outputs)), int(count_correct(y, outputs))


# --- loop -------------------------------------------------------------------------------------------------------


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    batch_size: int,
    epochs: int,
    seed: int = 0,
    steps_per_execution: int = 125,
    jit_compile: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train as `model.fit` does, and show every gradient to the callbacks that ask for it.

    From the same weights, with the samples in the same order, it ends at the same weights. Any Keras callback works,
    and can end the training by `model.stop_training = True`. One that has a method `on_gradients(record)` receives a
    `GradientRecord` for each call of the compiled step, before `on_train_batch_end`.

    Args:
        model: built and compiled with a `keras.losses.Loss` object, as from `build_model`; no regularizers.
        data: training set, and the test set for validation; one-hot targets, all in the dtype of the parameters.
        batch_size: B; where it does not divide the training set, the last batch is smaller.
        epochs: passes over the training set.
        seed: of the order of the samples.
        steps_per_execution: the largest number of steps in one call.
        jit_compile: whether XLA compiles the steps.
        callbacks: called in this order.

    Returns:
        Keras's history: `loss`, `accuracy`, `val_loss`, `val_accuracy` of each epoch, and what callbacks add.

    Raises:
        ValueError: for a model or data that it cannot train as `model.fit` would.
    """
    refuse_what_fit_cannot_do(model, data)
    num_samples = len(data.x_train)
    num_steps = math.ceil(num_samples / batch_size)
    names = tuple(f"{layer.name} {variable.name}" for layer in model.layers for variable in layer.trainable_variables)
    x_train, y_train, x_test, y_test = (as_tensor(array) for array in vars(data).values())
    train_steps = compile_train_steps(model, x_train, y_train, jit_compile)
    hooks = keras.callbacks.CallbackList(
        list(callbacks), add_history=True, model=model, epochs=epochs, steps=num_steps, verbose=0
    )
    model.stop_training = False

    hooks.on_train_begin()
    try:
        for epoch in range(epochs):
            hooks.on_epoch_begin(epoch)
            means, step = Means(), 0
            for batches in cut_into_batches(epoch_order(seed, epoch, num_samples), batch_size, steps_per_execution):
                hooks.on_train_batch_begin(step)
                stacked = tf.nest.map_structure(np.asarray, train_steps(tf.constant(batches)))  # no copy, on a CPU
                record = GradientRecord(
                    epoch=epoch,
                    first_step=epoch * num_steps + step,
                    num_steps_per_epoch=num_steps,
                    names=names,
                    indices=batches,
                    **stacked,
                )
                for callback in hooks.callbacks:
                    if hasattr(callback, "on_gradients"):
                        callback.on_gradients(record)
                means.add(record)
                step += len(record)
                hooks.on_train_batch_end(step - 1, means.logs())
                if model.stop_training:
                    break
            hooks.on_test_begin()
            hooks.on_test_batch_begin(0)
            test_cost, test_correct = evaluate(model, x_test, y_test)
            validation = {"loss": test_cost, "accuracy": test_correct / len(x_test)}
            hooks.on_test_batch_end(0, validation)
            hooks.on_test_end(validation)
            hooks.on_epoch_end(epoch, means.logs() | {f"val_{name}": value for name, value in validation.items()})
            if model.stop_training:
                break
    finally:
        hooks.on_train_end()
    return model.history.history


def as_tensor(array: np.ndarray) -> tf.Tensor:
    """The array for TensorFlow: where it is, if it lies at a multiple of 64 bytes as MNIST's do; else a copy."""
    if array.ctypes.data % 64 != 0 or not array.flags.c_contiguous or not array.flags.writeable:
        return tf.constant(array)
    return tf.identity(tf.experimental.dlpack.from_dlpack(array.__dlpack__()))  # to the GPU, if there is one


def refuse_what_fit_cannot_do(model: keras.Model, data: Dataset) -> None:
    """Raise a ValueError, with all the reasons, rather than train something else than `model.fit` would."""
    problems = []
    if not isinstance(model.loss, keras.losses.Loss):
        problems.append(
            f"the model's loss is {model.loss!r}; expected an object, such as models.losses.SumSquaredError()"
        )
    if any(getattr(layer, f"{kind}_regularizer", None) for layer in model.layers for kind in ("kernel", "bias")):
        problems.append("the model has regularizers; their cost is not trained on here")
    dtype = model.trainable_variables[0].dtype
    for name, array in vars(data).items():
        if array.dtype != dtype:
            problems.append(f"{name} is {array.dtype}; expected {dtype}, as the model's parameters are")
        if array.ndim != 2 or len(array) == 0:
            problems.append(f"{name} has shape {array.shape}; expected (N, columns) with N at least 1, labels one-hot")
    if problems:
        raise ValueError("\n".join(problems))


@dataclasses.dataclass
class Means:
    """Cost and accuracy over the samples that an epoch has seen so far: each as it was when its step came."""

    total_cost: float = 0.0
    num_correct: int = 0
    num_samples: int = 0

    def add(self, record: GradientRecord) -> None:
        """Count the record's samples in."""
        self.total_cost += float(record.costs.sum(dtype=np.float64)) * record.indices.shape[1]
        self.num_correct += int(record.num_correct.sum())
        self.num_samples += record.indices.size

    def logs(self) -> dict[str, float]:
        """Under Keras's names, where the cost is called loss."""
        return {"loss": self.total_cost / self.num_samples, "accuracy": self.num_correct / self.num_samples}


# --- run --------------------------------------------------------------------------------------------------------


def train(
    config: Config, callbacks: Sequence[keras.callbacks.Callback] = (), console: Console | None = None
) -> runs.Result:
    """Do a whole run: data, model, training with every check, and a folder under `config.logs` that keeps it all.

    Args:
        config: what to train.
        callbacks: further Keras callbacks; when they see a record, the check may still be at work on it.
        console: where to write; the standard output where left out.

    Returns:
        What came of it. Ctrl-C ends the training early and is no error here; pressed twice, it is.

    Raises:
        ConfigError: for a configuration that cannot be used.
        mnist.DataError: where there is no data.
        runs.RunFolderError: where the run's folder cannot be made or written.
        GradientMismatch: where a gradient, cost or update is not the manual module's.
        NonFiniteCost: where the cost is infinite or not a number.
    """
    config.validate()
    if config.check_every > 0:
        leave_one_processor()
    console = console or Console()
    stored = mnist.load(config.data, say=lambda text: runs.say(console, text))
    batch_size = batch_size_for(config, len(stored.x_train))
    data = Dataset.from_mnist(stored, config.dtype)
    model = build_model(config, num_steps=config.epochs * math.ceil(len(data.x_train) / batch_size))

    folder = runs.new_run_folder(config.logs)
    check = GradientCheck(
        manual_network(config),
        data.x_train,
        data.y_train,
        check_every=config.check_every,
        on_mismatch=config.on_mismatch,
    )
    log = TensorBoardLog(
        folder,
        check,
        validation=(data.x_test, data.y_test),
        image_shape=mnist.IMAGE_SHAPE,
        settings=dataclasses.asdict(config),
        hyperparameters=config.hyperparameters,
    )
    checks = InBackground([FiniteCost(), check], then=[log])
    with runs.kept(folder), CtrlC() as ctrl_c:
        runs.write_config(folder, dataclasses.asdict(config), stored.source)
        runs.print_head(console, config, batch_size, len(data.x_train), folder)
        status = "done"
        try:
            fit(
                model,
                data,
                batch_size=batch_size,
                epochs=config.epochs,
                seed=config.seed,
                steps_per_execution=config.steps_in_one_call,
                jit_compile=config.jit_compile,
                callbacks=[
                    checks,
                    *callbacks,
                    keras.callbacks.CSVLogger(folder / "history.csv"),
                    ProgressTable(console),
                    ctrl_c,
                ],
            )
        except KeyboardInterrupt:
            if ctrl_c.twice:
                raise
            status = "interrupted"
        checks.wait()
        test_cost, test_correct = evaluate(model, data.x_test, data.y_test)
        result = runs.Result(
            status=status,
            config=config,
            folder=folder,
            model=model,
            history=model.history.history,
            test_cost=test_cost,
            test_correct=test_correct,
            num_test=len(data.x_test),
            num_steps=int(model.optimizer.iterations),
            check=check,
        )
        runs.write_result(result)
    return result


# --- main -------------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted.

    141 where the reader of the output, such as `head`, went away.
    """

    def work() -> int:
        config = tyro.cli(Config, args=argv, prog="train.py")
        console = runs.Output()
        result = train(config, console=console)
        runs.print_summary(console, result)
        if result.status == "interrupted":
            return 130
        return 1 if result.check.steps_wrong else 0

    return exit_status(
        "train.py",
        work,
        refused=(ConfigError, mnist.DataError, runs.RunFolderError),
        failed=(GradientMismatch, NonFiniteCost),
        interrupted="interrupted; no network was saved.",  # before the training began, or pressed twice
    )


if __name__ == "__main__":
    sys.exit(main())
