"""How fast we train and verify, beside others: `python -m benchmarks.training`; 15 minutes, with `--no-growth` two.

Each peer trains in a process of its own, an epoch at a time, turn by turn, so that a slow minute of the machine is slow
for all. Before any time is told, the final weights of all must have the same cost. Compiling, importing and the first
epoch are not in the times of epochs; they are in the time from start to end.

Written to the output folder: results.json, and speed.png where matplotlib is installed.
"""

import dataclasses
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from backprop import Network, forward
from backprop.network import batch_cost
from benchmarks.peers import PEERS, Problem, run_peer
from config import Config
from datasets import mnist

ROOT = Path(__file__).parents[1]
SAME_COST = 1e-3
"""How far apart, relatively, costs of the same training may end: rounding, grown over thousands of steps."""

PLAIN_SCRIPT = """
import sys
import keras
import numpy as np
with np.load(sys.argv[1]) as data:
    x, y = data["x_train"].reshape(-1, 784).astype("float32") / 255, keras.utils.to_categorical(data["y_train"], 10)
layers = [keras.layers.Dense(units, activation="sigmoid") for units in (16, 16, 10)]
model = keras.Sequential([keras.Input((784,)), *layers])
model.compile(optimizer=keras.optimizers.SGD(10.0), loss="mse", metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=10, verbose=0)
"""

START_UP_SCRIPT = """
import json, sys, time
marks = [("Python and its imports", float(sys.argv[1]))]
import train
mark = lambda what: marks.append((what, time.time()))
load = train.mnist.load
mark("MNIST")
def timed_load(*args, **kwargs):
    try:
        return load(*args, **kwargs)
    finally:
        mark("building and tracing")
train.mnist.load = timed_load
class Marks(train.keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        mark("first call, with XLA's compiling")
    def on_gradients(self, record):
        if record.first_step == 0:
            mark("the other steps of 10 epochs, verified, and 10 validations")
    def on_train_end(self, logs=None):
        mark("evaluating and saving")
from pathlib import Path
from train import Config, runs
train.train(Config(logs=Path(sys.argv[2])), callbacks=[Marks()], console=runs.Output(quiet=True))
marks.append(("", time.time()))
print(json.dumps([(name, after - before) for (name, before), (_, after) in zip(marks, marks[1:])]))
"""


@dataclass(frozen=True)
class Options:
    """What to measure."""

    epochs: int = 7
    """Epochs of each peer, after one that warms up."""
    runs: int = 5
    """Whole runs of train.py, and of a plain script with model.fit."""
    growth: bool = True
    """Also measure other batch sizes, widths, depths and steps_per_execution."""
    output: Path = Path("logs/benchmark")
    """Folder for results.json and speed.png."""


@dataclass(frozen=True)
class Measured:
    """What came of one peer.

    Attributes:
        seconds: of each epoch.
        cost: of all images, with the weights at the end.
        megabytes: the peak of the process's memory.
    """

    seconds: list[float]
    cost: float
    megabytes: float

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def measure(problem: Problem, names: list[str]) -> dict[str, Measured]:
    """Run these peers turn by turn."""
    context = multiprocessing.get_context("spawn")
    connections, processes = {}, []
    for name in names:
        connections[name], theirs = context.Pipe()
        processes.append(context.Process(target=run_peer, args=(name, problem, theirs), daemon=True))
        processes[-1].start()
        theirs.close()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(problem.epochs + 1):
        for connection in connections.values():
            connection.poll(None)  # all are ready: none is still at work on something else
        for name, connection in connections.items():
            received(name, connection)
            connection.send("go")
            seconds[name].append(received(name, connection))
    results = {}
    for name, connection in connections.items():
        weights, megabytes = received(name, connection)
        results[name] = Measured(seconds[name][1:], final_cost(problem, weights), megabytes)
    for process in processes:
        process.join()
    return results


def received(name: str, connection: Connection) -> Any:
    """What a peer sends."""
    try:
        message = connection.recv()
    except EOFError:
        message = "its process ended"
    if isinstance(message, str) and message != "ready":
        raise SystemExit(f"{name} failed: {message}")
    return message


def final_cost(problem: Problem, weights: list[np.ndarray]) -> float:
    """The cost of all images, in float64; NaN for a peer that trains nothing."""
    if len(weights) != 2 * len(problem.hidden) + 2:
        return float("nan")
    network = Network.from_names(["sigmoid"] * (len(weights) // 2), "squared-error")
    x, y = problem.data("float64")
    doubles = [w.astype(np.float64) for w in weights]
    _, a = forward(network, doubles[0::2], doubles[1::2], x)
    return float(batch_cost(network, a[-1], y))


def refuse_other_work(results: dict[str, Measured]) -> None:
    """A peer that ends at another cost did other work: no comparison."""
    costs = {name: result.cost for name, result in results.items() if not np.isnan(result.cost)}
    middle = statistics.median(costs.values())
    wrong = {name: cost for name, cost in costs.items() if not abs(cost - middle) <= SAME_COST * middle}
    if wrong:
        raise SystemExit(f"These do not end at a cost of {middle:.5f}, as the others do: {wrong}")


def whole_runs(runs: int) -> dict[str, list[float]]:
    """Seconds from start to end, data cached: `train.py`, and a plain script without check, logs and validation."""
    seconds: dict[str, list[float]] = {"train.py": [], "plain model.fit": []}
    stored = mnist.load(say=lambda _: None)
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "mnist.npz"
        np.savez(data, x_train=stored.x_train, y_train=stored.y_train)
        commands = {
            "train.py": [ROOT / "train.py", "--logs", folder],
            "plain model.fit": ["-c", PLAIN_SCRIPT, data],
        }
        for _ in range(runs):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, *command], check=True, capture_output=True, env=environment)
                seconds[name].append(time.perf_counter() - began)
    return seconds


def start_up(runs: int) -> dict[str, float]:
    """Where the time of a run goes: medians in seconds, by phase."""
    phases: dict[str, list[float]] = {}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            began = time.time()
            command = [sys.executable, "-c", START_UP_SCRIPT, str(began), folder]
            done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        ended = time.time()
        marked = json.loads(done.stdout)
        for name, seconds in marked:
            phases.setdefault(name, []).append(seconds)
        phases.setdefault("ending the process", []).append(ended - began - sum(seconds for _, seconds in marked))
    return {name: statistics.median(seconds) for name, seconds in phases.items()}


SLOWLY: dict[str, Any] = {"epochs": 3, "learning_rate": 0.1}
"""For the other sizes: with long steps some of them amplify rounding until even equal programs end apart."""

GROWTH = {
    "batch size": [Problem(batch_size=size, **SLOWLY) for size in (8, 32, 240, 2000, 60_000)],
    "units in each of 2 hidden layers": [
        Problem(hidden=(n, n), num_images=12_000, **SLOWLY) for n in (16, 64, 256, 1024)
    ],
    "hidden layers of 16": [Problem(hidden=(16,) * n, num_images=12_000, **SLOWLY) for n in (1, 2, 4, 8, 16)],
    "steps_per_execution": [Problem(steps_per_execution=k, **SLOWLY) for k in (1, 5, 25, 125, 625)],
}
GROWTH_PEERS = [
    "our loop",
    "our loop, verified",
    "model.fit",
    "model.fit, steps_per_execution=100",
    "JAX, scan over a jitted step",
    "PyTorch, eager",
    "NumPy, the manual module",
]


def size_of(kind: str, problem: Problem) -> int:
    """The number that grows."""
    sizes = {
        "batch size": problem.batch_size,
        "steps_per_execution": problem.steps_per_execution,
        "hidden layers of 16": len(problem.hidden),
    }
    return sizes.get(kind, problem.hidden[0])


def table_of_epochs(results: dict[str, Measured]) -> Table:
    """Medians, spread and ratios."""
    table = Table("one epoch", "seconds", "spread", "to our loop", "to model.fit", "final cost", title="Epochs")
    ours, theirs = results["our loop"].median, results["model.fit"].median
    for name, r in results.items():
        if not np.isnan(r.cost):
            spread = f"{min(r.seconds):.3f} to {max(r.seconds):.3f}"
            ratios = f"{r.median / ours:.2f}", f"1/{theirs / r.median:.1f}" if r.median < theirs else "1"
            table.add_row(name, f"{r.median:.3f}", spread, *ratios, f"{r.cost:.5f}")
    return table


def table_of_growth(kind: str, points: dict[int, dict[str, Measured]]) -> Table:
    """Seconds of an epoch for each size; the fastest of each column in bold."""
    table = Table(kind, *map(str, points), title="Seconds of an epoch")
    for name in next(iter(points.values())):
        cells = []
        for results in points.values():
            seconds = results[name].median
            fastest = seconds == min(result.median for result in results.values())
            cells.append(f"[bold]{seconds:.3f}[/bold]" if fastest else f"{seconds:.3f}")
        table.add_row(name, *cells)
    return table


def draw(results: dict[str, Measured], path: Path) -> None:
    """The table of epochs as a picture."""
    from matplotlib.figure import Figure

    rows = sorted((r.median, n, r.seconds) for n, r in results.items() if not np.isnan(r.cost))[::-1]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    medians = [row[0] for row in rows]
    errors = [[m - min(s) for m, _, s in rows], [max(s) - m for m, _, s in rows]]
    colours = ["tab:blue" if name.startswith("our") else "tab:gray" for _, name, _ in rows]
    axes.barh([row[1] for row in rows], medians, xerr=errors, color=colours, ecolor="black", capsize=2)
    for i, (median, _, seconds) in enumerate(rows):
        axes.text(max(seconds) * 1.08, i, f"{median:.2f} s", va="center")
    axes.set_xscale("log")
    axes.set_xlim(min(medians) / 2, max(medians) * 2.5)
    axes.set_xlabel("seconds of one epoch: 1,875 steps of 32 images (median, least and most)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def machine() -> str:
    """What it was measured on."""
    from importlib.metadata import version

    name = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.is_file():
        name = next((line.split(":")[1].strip() for line in cpu.open() if line.startswith("model name")), name)
    versions = ", ".join(f"{package} {version(package)}" for package in ("tensorflow", "keras", "numpy"))
    return f"{os.cpu_count()} processors ({name}), Python {platform.python_version()}, {versions}"


def main() -> None:
    """Measure, print, write."""
    options = tyro.cli(Options)
    console = Console(width=max(100, Console().width))
    missing = [name for name, entry in PEERS.items() if entry.missing]
    for name in missing:
        console.print(f"Left out: {name}; {PEERS[name].needs} is not installed (benchmarks/requirements.txt).")
    present = [name for name in PEERS if name not in missing]
    options.output.mkdir(parents=True, exist_ok=True)
    console.print(machine())

    results = measure(Problem(epochs=options.epochs), present)
    refuse_other_work(results)
    console.print(table_of_epochs(results))
    memory = results["our loop, verified"].megabytes - results["importing TensorFlow, holding MNIST"].megabytes
    console.print(f"Memory of a verified run over importing TensorFlow and holding MNIST: {memory:.0f} MB")

    seconds, phases = whole_runs(options.runs), start_up(options.runs)
    table = Table("from start to end, 10 epochs", "seconds", "spread", title="Whole runs")
    for name, all_seconds in seconds.items():
        spread = f"{min(all_seconds):.1f} to {max(all_seconds):.1f}"
        table.add_row(name, f"{statistics.median(all_seconds):.2f}", spread)
    console.print(table)
    medians = [statistics.median(all_seconds) for all_seconds in seconds.values()]
    console.print(f"Ratio {medians[0] / medians[1]:.2f}")
    table = Table("of train.py", "seconds", title="Where its time goes")
    for phase, phase_seconds in phases.items():
        table.add_row(phase, f"{phase_seconds:.2f}")
    console.print(table)

    growth: dict[str, dict[int, dict[str, Measured]]] = {}
    for kind, problems in GROWTH.items() if options.growth else ():
        ours_alone = kind == "steps_per_execution"
        peers = [name for name in GROWTH_PEERS[: 2 if ours_alone else None] if name in present]
        growth[kind] = {size_of(kind, problem): measure(problem, peers) for problem in problems}
        for point in growth[kind].values():
            refuse_other_work(point)
        console.print(table_of_growth(kind, growth[kind]))

    content = {
        "machine": machine(),
        "configuration": dataclasses.asdict(Config()),
        "epochs": {name: dataclasses.asdict(result) for name, result in results.items()},
        "memory_megabytes": memory,
        "whole_runs_seconds": seconds,
        "start_up_seconds": phases,
        "growth": {
            kind: {size: {name: dataclasses.asdict(r) for name, r in point.items()} for size, point in points.items()}
            for kind, points in growth.items()
        },
    }
    (options.output / "results.json").write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    try:
        draw(results, options.output / "speed.png")
    except ImportError:
        console.print("No picture: matplotlib is not installed (benchmarks/requirements.txt).")
    console.print(f"Written to {options.output}")


if __name__ == "__main__":
    main()
