"""Holds every gradient of a training run against the manual backpropagation."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from backprop.compare import TensorReport, beyond, compare, norm, norms, ratio, tolerance_for
from backprop.functions import Array, unknown_name
from backprop.network import Network, backward, batch_cost, forward
from backprop.rounding import SAFETY, rounding_errors
from callbacks.record import GradientRecord, as_slice

ON_MISMATCH = ("stop", "warn")

CACHE_BYTES = 3 * 2**20
"""Of parameters and samples that are worked on at once. Measured: from 2 to 6 MiB makes no difference, 20 is slower."""


class GradientMismatch(Exception):
    """A gradient, a cost or an update differs from the manual one. The message names step, layer, tensor and error.

    Args:
        message: all of it in words.
        reports: of the tensors that differ in the first wrong step.
    """

    def __init__(self, message: str, reports: Sequence[TensorReport] = ()) -> None:
        super().__init__(message)
        self.reports = tuple(reports)


@dataclass(frozen=True)
class WorstError:
    """The largest error seen so far.

    Attributes:
        error: norm-relative, see `backprop.compare.relative_error`.
        tensor: such as "hidden_1 kernel".
        where: the step, in words.
    """

    error: float
    tensor: str
    where: str


@dataclass(frozen=True)
class CheckedSteps:
    """What was found about the steps that were checked in one record.

    Attributes:
        indices: int (n,), of the checked steps in the record.
        errors: float64 (parameters, n), of each parameter's gradient, in the record's order.
        manual_norms: float64 (parameters, n), of the manual gradients.
    """

    indices: Array
    errors: Array
    manual_norms: Array

    @classmethod
    def of(cls, record: GradientRecord) -> "CheckedSteps":
        """What `GradientCheck` has left with a record; no steps where it has not seen it."""
        return record.found.get("gradient check", cls.none(record))

    @classmethod
    def none(cls, record: GradientRecord) -> "CheckedSteps":
        """No step of the record."""
        return cls(np.zeros(0, np.int64), np.zeros((len(record.names), 0)), np.zeros((len(record.names), 0)))


class GradientCheck(keras.callbacks.Callback):
    """Verifies the tape's gradients, the costs and the SGD updates against `backprop`, while the network trains.

    For every checked step the manual module repeats the forward and the backward pass from the parameters before the
    step, and the update from the tape's gradients. Each tensor is judged by itself, by the norm of the difference over
    the norm of the manual gradient.

    Many steps of a record are done at once, in the network's own number format: fast, but it rounds as much as the
    tape does. A step that seems wrong is therefore looked at again with the manual module in float64. One that still
    seems wrong is wrong unless `backprop.rounding` finds that the tape's own rounding accounts for the difference:
    where the gradient is zero but for rounding, or a ReLU's z lies at its kink.

    Args:
        network: the manual module's description of the same network.
        x: (N, inputs), the training inputs that the record's indices point into.
        y: (N, outputs), the targets.
        check_every: 1 checks every step, n every n-th, 0 none.
        on_mismatch: "stop" raises `GradientMismatch`, which ends the training; "warn" reports the first mismatch of
            each epoch on the error stream, and goes on.
        tolerance: the largest error that counts as agreement; where left out, 1e-5 for float32 and 1e-12 for float64.
        check_updates: whether the parameters must move as plain SGD moves them. Turn off for another optimizer.

    Attributes:
        steps_checked: number of steps.
        tensors_checked: number of gradients, one for each parameter and step.
        steps_wrong: number of steps with a mismatch.
        steps_rounded: number of steps whose gradients or cost agree only with what rounding accounts for.
        worst: the largest gradient error so far, of the steps that needed no allowance; None before the first.

    Leaves `CheckedSteps` with each record, for the callbacks after it.

    What other callbacks do to the parameters between two records is theirs, and not checked.

    Adds `gradient_error`, the largest so far, to Keras's logs at the end of each epoch: put it before callbacks that
    read them.

    Raises:
        ValueError: for arguments outside of what is said above, or a record of another network.
        GradientMismatch: from `on_gradients`, with on_mismatch="stop".
    """

    def __init__(
        self,
        network: Network,
        x: Array,
        y: Array,
        *,
        check_every: int = 1,
        on_mismatch: str = "stop",
        tolerance: float | None = None,
        check_updates: bool = True,
    ) -> None:
        super().__init__()
        if on_mismatch not in ON_MISMATCH:
            raise ValueError(unknown_name("on_mismatch", on_mismatch, ON_MISMATCH))
        if tolerance is not None and not 0 < tolerance < np.inf:
            raise ValueError(f"tolerance is {tolerance}; expected a number above 0")
        if check_every < 0:
            raise ValueError(f"check_every is {check_every}; expected 0 (never) or more")
        self.network = network
        self.x, self.y = x, y
        self.check_every = check_every
        self.on_mismatch = on_mismatch
        self.tolerance = tolerance_for(x.dtype) if tolerance is None else tolerance
        self.check_updates = check_updates
        self.steps_checked = 0
        self.tensors_checked = 0
        self.steps_wrong = 0
        self.steps_rounded = 0
        self.worst: WorstError | None = None
        self._warned_in_epoch = -1
        self._blas = ThreadpoolController().select(user_api="blas")

    def on_gradients(self, record: GradientRecord) -> None:
        """Check the record's steps, or every n-th of them."""
        self._refuse_another_network(record)
        checked = self._steps_to_check(record)
        if len(checked) == 0:
            record.found["gradient check"] = CheckedSteps.none(record)
            return
        with np.errstate(all="ignore"):  # what is not finite does not agree, and is told below
            verdict = self._judge(record, checked)
        num_gradients = len(record.names)  # the cost and the updates follow
        record.found["gradient check"] = CheckedSteps(
            checked, verdict.errors[:num_gradients], verdict.manual_norms[:num_gradients]
        )
        self.steps_checked += len(checked)
        self.tensors_checked += len(checked) * len(record.names)
        self.steps_rounded += len(verdict.rounded)
        self.steps_wrong += len(verdict.wrong)
        self._remember_worst(record, np.delete(checked, verdict.rounded), np.delete(verdict.errors, verdict.rounded, 1))
        if len(verdict.wrong) > 0:
            self._mismatch(record, record.describe(int(checked[verdict.wrong[0]])), verdict.reports)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add the worst error so far to Keras's logs; NaN where every step needed an allowance for rounding."""
        if logs is not None and self.steps_checked > 0:
            logs["gradient_error"] = self.worst.error if self.worst else float("nan")

    def _refuse_another_network(self, record: GradientRecord) -> None:
        """Raise a ValueError where the record cannot be that of the network described."""
        if len(record.names) != 2 * len(self.network.activations):
            raise ValueError(
                f"the model trains {len(record.names)} tensors ({', '.join(record.names)}); expected kernel and bias "
                f"of {len(self.network.activations)} layers, as the manual network has them"
            )
        for name, p, g in zip(record.names, record.parameters, record.gradients, strict=True):
            if g.shape[1:] != p.shape[1:] or g.dtype != self.x.dtype:
                raise ValueError(
                    f"the gradient of {name} is {g.dtype} {g.shape[1:]}; expected {self.x.dtype}, as the training "
                    f"inputs are, and {p.shape[1:]}, as the parameter is"
                )

    def _steps_to_check(self, record: GradientRecord) -> Array:
        if self.check_every == 0:
            return np.array([], dtype=np.int64)
        k = np.arange(len(record))
        return k[(record.first_step + k) % self.check_every == 0]

    def _judge(self, record: GradientRecord, checked: Array) -> "_Verdict":
        """Compare; look again where it matters; where it still seems wrong, allow for rounding."""
        errors, manual_norms = self._errors(record, checked)  # (quantities, n)
        seem_wrong = self._wrong(errors)
        if len(seem_wrong) > 0:
            errors[:, seem_wrong], _ = self._errors(record, checked[seem_wrong], np.float64)
            seem_wrong = self._wrong(errors)
        if len(seem_wrong) == 0:
            return _Verdict(errors, manual_norms, rounded=seem_wrong, wrong=seem_wrong, reports=[])
        wrong_gradients = self._wrong(errors[: len(record.names) + 1])  # or costs
        allowed, _ = self._errors(record, checked[seem_wrong], np.float64, allow_rounding=True)
        is_wrong = ~(allowed <= self.tolerance).all(axis=0)
        errors[:, seem_wrong[~is_wrong]] = allowed[:, ~is_wrong]  # what is wrong keeps its plain error
        wrong = seem_wrong[is_wrong]
        reports = []
        if len(wrong) > 0:
            first = _Steps.of_record(record, checked[wrong[:1]], self.x, self.y)
            quantities = self._compare(first, np.float64, allow_rounding=True)
            for quantity, error in zip(quantities, allowed[:, is_wrong][:, 0], strict=True):
                if not error <= self.tolerance:
                    reports.append(quantity.report(self.tolerance))
        return _Verdict(errors, manual_norms, np.setdiff1d(wrong_gradients, wrong), wrong, reports)

    def _errors(
        self, record: GradientRecord, steps: Array, dtype: npt.DTypeLike = None, allow_rounding: bool = False
    ) -> tuple[Array, Array]:
        """The errors of all that `_compare` sets side by side, and the norms of the manual side.

        Returns:
            (quantities, n) each, for n steps of the record.

        As many steps are done at once as fit into the processor's cache. For small matrices BLAS's threads do nothing
        but wait for each other, and would keep busy a processor on which the training may go on.
        """
        bytes_for_each_step = sum(g[0].nbytes for g in record.gradients) + record.indices.shape[1] * self.x[0].nbytes
        at_once = max(1, CACHE_BYTES // bytes_for_each_step)
        pieces = []
        with self._blas.limit(limits=1 if at_once > 1 else None):
            for first in range(0, len(steps), at_once):
                few = _Steps.of_record(record, steps[first : first + at_once], self.x, self.y)
                pieces.append(_errors_of(self._compare(few, dtype, allow_rounding)))
        errors, manual_norms = (np.concatenate(parts, axis=1) for parts in zip(*pieces, strict=True))
        return errors, manual_norms

    def _wrong(self, errors: Array) -> Array:
        """Which steps have an error above the tolerance. NaN is."""
        return np.flatnonzero(~(errors <= self.tolerance).all(axis=0))

    def _remember_worst(self, record: GradientRecord, checked: Array, errors: Array) -> None:
        if len(checked) == 0:
            return
        for name, tensor_errors in zip(record.names, errors, strict=False):  # the cost and the updates follow
            i = int(np.argmax(tensor_errors))  # the first NaN, where there is one
            error = float(tensor_errors[i])
            if self.worst is None or error > self.worst.error or np.isnan(error):
                self.worst = WorstError(error, name, record.describe(int(checked[i])))

    def _mismatch(self, record: GradientRecord, where: str, reports: list[TensorReport]) -> None:
        lines = [f"Mismatch with the manual backpropagation at {where}:"]
        lines += [f"  {report}" for report in reports]
        message = "\n".join(lines)
        if self.on_mismatch == "stop":
            raise GradientMismatch(message, reports)
        if self._warned_in_epoch != record.epoch:
            self._warned_in_epoch = record.epoch
            print(f"\n{message}", file=sys.stderr)

    def _compare(self, steps: "_Steps", dtype: npt.DTypeLike = None, allow_rounding: bool = False) -> list["_Quantity"]:
        """Set all that is to be compared side by side: each gradient, then the cost, then each update.

        Args:
            steps: n of them.
            dtype: of the manual gradients and costs; where left out, the other side's.
            allow_rounding: allow for the rounding of the other side.
        """
        forward_pass, manual = self._manual(steps, dtype or steps.x.dtype)
        names, tape = [*steps.names, "cost"], [*steps.gradients, steps.costs]
        compared = [_Quantity(name, g - r, r) for name, g, r in zip(names, tape, manual, strict=True)]
        if allow_rounding:
            rounding = rounding_errors(self.network, *forward_pass, steps.x.dtype)
            slacks = [*_in_turn(rounding.dW_kinks, rounding.db_kinks), np.zeros_like(rounding.cost)]
            estimates = [*_in_turn(rounding.dW, rounding.db), rounding.cost]
            _, rounded = self._manual(steps, steps.x.dtype)  # what the manual module itself loses in that format
            for i, (estimate, exact, own, slack) in enumerate(zip(estimates, manual, rounded, slacks, strict=True)):
                own_loss = SAFETY * norm(beyond(own - exact, slack), exact.ndim - 1)
                floor = np.maximum(norm(estimate, estimate.ndim - 1), own_loss) / self.tolerance
                compared[i] = replace(compared[i], floor=floor, slack=slack)
        return compared + (self._compare_updates(steps, allow_rounding) if self.check_updates else [])

    def _manual(self, steps: "_Steps", dtype: npt.DTypeLike) -> tuple[tuple, list[Array]]:
        """The manual module's forward pass `(W, b, z, a, y)` in this format, and its gradients and costs from it."""
        W, b = ([w.astype(dtype, copy=False) for w in steps.before[i::2]] for i in (0, 1))
        x, y = steps.x.astype(dtype, copy=False), steps.y.astype(dtype, copy=False)
        z, a = forward(self.network, W, b, x)
        dW, db = backward(self.network, W, b, z, a, y)
        return (W, b, z, a, y), [*_in_turn(dW, db), batch_cost(self.network, a[-1], y)]

    def _compare_updates(self, steps: "_Steps", allow_rounding: bool) -> list["_Quantity"]:
        """The step each parameter took, against minus learning rate times gradient, as `backprop.sgd_step` has it.

        Judged relative to the step, and repeated in the same number format: the product and the difference are each
        rounded once, or together. That bounds every entry.
        """
        info = np.finfo(steps.x.dtype)
        compared = []
        for name, w, w_next, g in zip(steps.names, steps.before, steps.after, steps.gradients, strict=True):
            rate = steps.learning_rates.reshape(-1, *[1] * (g.ndim - 1))  # (n, 1, ...)
            step = rate * g
            slack = None
            if allow_rounding:
                rounded_once = np.abs(w_next) + np.abs(step)
                slack = np.where(g == 0, 0.0, info.eps * rounded_once + info.tiny)
            compared.append(_Quantity(f"{name} update", w_next - (w - step), step, slack=slack))
        return compared


@dataclass(frozen=True)
class _Verdict:
    """What was found about n steps.

    Attributes:
        errors: (quantities, n), gradients first, then the cost, then the updates.
        manual_norms: (quantities, n), of what the manual module computed.
        rounded: indices of the steps whose gradients or cost agree only with what rounding accounts for.
        wrong: indices of those that do not agree.
        reports: what does not agree in the first wrong step.
    """

    errors: Array
    manual_norms: Array
    rounded: Array
    wrong: Array
    reports: list[TensorReport]


@dataclass(frozen=True)
class _Steps:
    """Some steps of a record, n of them, with their samples. All arrays have n as their first axis."""

    names: tuple[str, ...]
    x: Array
    y: Array
    before: tuple[Array, ...]
    after: tuple[Array, ...]
    gradients: tuple[Array, ...]
    costs: Array
    learning_rates: Array

    @classmethod
    def of_record(cls, record: GradientRecord, checked: Array, x: Array, y: Array) -> "_Steps":
        """Cut the checked steps out of a record."""
        steps = as_slice(checked)
        return cls(
            names=record.names,
            x=x[record.indices[steps]],  # (n, B, inputs)
            y=y[record.indices[steps]],  # (n, B, outputs)
            before=tuple(parameter[steps] for parameter in record.parameters),
            after=tuple(record.parameter_after(i, steps) for i in range(len(record.names))),
            gradients=tuple(gradient[steps] for gradient in record.gradients),
            costs=record.costs[steps],
            learning_rates=record.learning_rates[steps],
        )


@dataclass(frozen=True)
class _Quantity:
    """Something that both sides computed for each of n steps: their difference, and what it is held against.

    Attributes:
        name: such as "hidden_1 kernel".
        difference: (n, *shape), the other side's minus the manual module's.
        reference: (n, *shape), what the manual module computed; of an update, how far it goes.
        floor: (n,), the least norm that the difference is held against, if there is one.
        slack: (n, *shape), how much each entry may differ for free, if any.
    """

    name: str
    difference: Array
    reference: Array
    floor: Array | None = None
    slack: Array | None = None

    def report(self, tolerance: float) -> TensorReport:
        """The first step in detail, with nothing allowed for."""
        reference = self.reference[0].astype(np.float64)
        [report] = compare([self.name], [reference + self.difference[0]], [reference], tolerance)
        return report


def _errors_of(quantities: list[_Quantity]) -> tuple[Array, Array]:
    """||difference|| / ||reference|| of each, as `backprop.compare.relative_error`, all at once; and ||reference||.

    Returns:
        (quantities, n) each.
    """
    distances = norms([q.difference if q.slack is None else beyond(q.difference, q.slack) for q in quantities])
    reference_norms = norms([quantity.reference for quantity in quantities])
    scales = reference_norms.copy()
    for scale, quantity in zip(scales, quantities, strict=True):
        if quantity.floor is not None:
            np.maximum(scale, quantity.floor, out=scale)
    return ratio(distances, scales), reference_norms


def _in_turn(W: list[Array], b: list[Array]) -> list[Array]:
    """Kernel, bias, kernel, bias, ...: the order of Keras's trainable variables."""
    return [tensor for pair in zip(W, b, strict=True) for tensor in pair]
