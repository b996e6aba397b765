"""Reading runs through TensorBoard's data provider, which may be its fast data server or its Python reader.

Each call of the data server takes about 40 ms, however little it asks for, and a provider always hands over all kept
steps of a tag. So little is asked often, all of a run at once, and what was read of the last run is held: going through
its steps, as the page's slider does, then reads no gradients.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, RunTagFilter, TensorDatum

from backprop_check.format import PLUGIN_NAME, About, Array, FormatError, KeptStep, read_about, read_step, step_tags

ALL_STEPS = 1_000_000
"""More than TensorBoard ever keeps of a tag."""

FRESH_SECONDS = 1.0
"""How long an overview is taken for new. TensorBoard itself looks into the log folder every few seconds only."""

OVERVIEW_TAGS = ("about", "errors")

Series: TypeAlias = Mapping[str, Sequence[TensorDatum]]
"""By tag, what is kept of it, from the first step to the last."""


class NotFoundError(LookupError):
    """There is no such run or step. The message says what there is."""


@dataclass(frozen=True)
class Source:
    """Where to read: a data provider, with what it wants to be told on each call."""

    provider: DataProvider
    context: RequestContext
    experiment: str

    def runs(self) -> list[str]:
        """The runs with data of this tab, the newest first."""
        known = self.provider.list_tensors(self.context, experiment_id=self.experiment, plugin_name=PLUGIN_NAME)
        started = {
            run.run_name: run.start_time or 0.0
            for run in self.provider.list_runs(self.context, experiment_id=self.experiment)
        }
        return sorted(known, key=lambda run: (started.get(run, 0.0), run), reverse=True)

    def read(self, runs: Collection[str], tags: Collection[str]) -> Mapping[str, Series]:
        """The series of some tags, by run. What there is not is left out.

        Raises:
            FormatError: where TensorBoard cannot read them.
        """
        try:
            return self.provider.read_tensors(
                self.context,
                experiment_id=self.experiment,
                plugin_name=PLUGIN_NAME,
                downsample=ALL_STEPS,
                run_tag_filter=RunTagFilter(runs=runs, tags=tags),
            )
        except Exception as error:  # of any kind: here, arrays are decoded from whatever a file holds
            raise FormatError(
                f"TensorBoard cannot read this run: {error}\nIf it is only too large, start TensorBoard with "
                f"--samples_per_plugin {PLUGIN_NAME}=10: it then keeps fewer steps."
            ) from error


@dataclass(frozen=True)
class Overview:
    """What a run says of itself, without its gradients.

    Attributes:
        about: the run.
        errors: by step, (2L,) each: one for each kernel and bias in turn.
        version: steps and times of what was written: another where there is more, or where it was written anew.
    """

    about: About
    errors: Mapping[int, Array] = field(compare=False)  # arrays have no single answer to that
    version: tuple[tuple[int, float], ...]

    def is_wrong(self, step: int) -> bool:
        """Whether some gradient of that step is off by more than the tolerance. NaN is."""
        return not bool((self.errors[step] <= self.about.tolerance).all())


def read_overviews(source: Source) -> dict[str, Overview | FormatError]:
    """What each run says of itself, or why that cannot be read; the newest run first."""
    runs = source.runs()
    try:
        series = source.read(runs, OVERVIEW_TAGS)
    except FormatError:  # because of some run: ask for each by itself
        return {run: _or_error(partial(read_overview, source, run)) for run in runs}
    return {run: _or_error(partial(_understood, series.get(run, {}))) for run in runs}


def read_overview(source: Source, run: str) -> Overview:
    """What one run says of itself.

    Raises:
        FormatError: where that is missing or something else.
    """
    return _understood(source.read([run], OVERVIEW_TAGS).get(run, {}))


def _or_error(read: Callable[[], Overview]) -> Overview | FormatError:
    try:
        return read()
    except FormatError as error:
        return error


def _understood(series: Series) -> Overview:
    if not series.get("about"):
        raise FormatError(
            "the run has no tag `about`, which says what its layers are. It was cut off when it began, or was written "
            "by another program."
        )
    about = read_about(series["about"][-1].numpy)
    kept = series.get("errors", [])
    errors = {datum.step: _checked_errors(about, datum.step, datum.numpy) for datum in kept}
    return Overview(about, errors, tuple((datum.step, datum.wall_time) for datum in kept))


def _checked_errors(about: About, step: int, errors: Array) -> Array:
    expected = (2 * len(about.layers),)
    if errors.shape != expected or errors.dtype.kind != "f":
        raise FormatError(
            f"errors is {errors.dtype} {errors.shape} at step {step}; expected floating-point numbers {expected}, for "
            f"the kernel and the bias of each of the layers {', '.join(about.layers)}"
        )
    return errors


class StepReader:
    """Reads kept steps, and holds all that was read of the last run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # the page asks for all layers of a step at once: only one request reads
        self._run: tuple[str, str] | None = None  # experiment and run of what is held
        self._overview: Overview | None = None
        self._read_at = 0.0  # by the monotonic clock: when the overview was
        self._series: Series = {}

    def read(self, source: Source, run: str, step: int) -> tuple[About, KeptStep]:
        """Read a step.

        Args:
            source: where.
            run: such as "20261125-101500/train".
            step: one of those that the run kept.

        Raises:
            NotFoundError: where there is no such run or step.
            FormatError: where it is there and cannot be understood.
        """
        with self._lock:
            overview, series = self._read_run(source, run)
        if step not in overview.errors:
            kept = ", ".join(map(str, overview.errors)) or "none yet"
            raise NotFoundError(f"step {step} of the run {run!r} is not kept; the kept steps are: {kept}")

        def tensor(tag: str) -> Array:
            for datum in series.get(tag, []):
                if datum.step == step:
                    return datum.numpy
            raise FormatError(
                f"the run has no tag {tag} at step {step}: it was cut off while writing, or written by another program."
            )

        return overview.about, read_step(overview.about, tensor)

    def _read_run(self, source: Source, run: str) -> tuple[Overview, Series]:
        """The overview and all series of a run, from what is held where nothing was written since."""
        is_held = self._run == (source.experiment, run)
        if is_held and self._overview and time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._overview, self._series
        overview = _read_overview_of_known_run(source, run)
        if not is_held or self._overview != overview:
            self._series = source.read([run], step_tags(overview.about)).get(run, {})
        self._run, self._overview, self._read_at = (source.experiment, run), overview, time.monotonic()
        return overview, self._series


def _read_overview_of_known_run(source: Source, run: str) -> Overview:
    try:
        return read_overview(source, run)
    except FormatError:
        if run in (runs := source.runs()):
            raise
        raise NotFoundError(f"there is no run {run!r}; there are: {', '.join(runs) or 'none'}") from None
