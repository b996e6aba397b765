"""A submission in its process: loading it, calling its functions, and reading what comes back as claims."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from grading.confined.frames import Decoder, Frame, FrameError, Kind, Value, encode, encode_values
from grading.sandbox.process import Process
from grading.sandbox.text import KEPT_BYTES, Log, printable, sentence
from grading.sandbox.values import (
    CLAIMED,
    NO_STAND_INS,
    Failure,
    Function,
    GraderFault,
    Limits,
    Returned,
    Source,
    StandIns,
    Verdict,
)

if TYPE_CHECKING:
    from grading.sandbox import Sandbox

FIRST_UID = 60800
"""Where started as root, the session in slot n has this user id plus n: between systemd's ranges, nobody's."""
MAX_MESSAGE, MAX_WHERE, MAX_TEXTS = 500, 60, 1000


class Session:
    """A submission in its process. Used by one thread at a time.

    Attributes:
        failure: set where loading failed or the process died; every call gives it from then on.
        remarks: from loading, such as cells that were left out.
        defined: functions and classes that the submission defines, methods as "Network.backprop".
        layers: of protection that the process has.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        source: Source,
        allowed: frozenset[str],
        limits: Limits,
        required: tuple[str, ...],
        stand_ins: StandIns = NO_STAND_INS,
    ) -> None:
        self.failure: Failure | None = None
        self.remarks: tuple[str, ...] = ()
        self.defined: tuple[str, ...] = ()
        self.layers: Mapping[str, bool] = {}
        self._sandbox = sandbox
        self._required = required
        self._process: Process | None = None
        if len(source.data) > limits.source_bytes:
            read = f"at most {limits.source_bytes:,} are read"
            self.failure = Failure(Verdict.TOO_LARGE, f"the file has {len(source.data):,} bytes; {read}")
            return
        self._slot = sandbox._take_slot()
        try:
            child = sandbox._launch(self._order(allowed, limits))
        except BaseException:
            sandbox._give_slot_back(self._slot)
            raise
        self._process = process = Process(child, limits)
        try:
            self._load(process, source, allowed, stand_ins)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            try:
                process.end()
            finally:
                self._sandbox._give_slot_back(self._slot)

    def call(self, function: Function, calls: Sequence[Sequence[Value]]) -> list[Returned | Failure]:
        """Make calls in order, in the submission's process, each with fresh copies of its arguments.

        Args:
            function: what to call.
            calls: the arguments of each.

        Returns:
            An answer for each. An exception is the failure of its call only; where the process dies, that is the
            failure of all calls that it did not answer.

        Raises:
            ValueError: where an argument is of a kind that cannot be sent.
            GraderFault: where the sandbox itself fails.
        """
        nonce = secrets.token_bytes(16)
        outgoing = _request(function, calls, nonce)
        if self.failure is not None:
            return [self.failure] * len(calls)
        if self._process is None:
            raise GraderFault("the session is closed")
        answers = _Answers(len(calls))
        failure = self._process.exchange(outgoing, Decoder((Kind.ANSWER, Kind.DONE), nonce), answers.take)
        results = answers.complete(failure, self._process.log)
        self._fail(failure)
        return results

    def _order(self, allowed: frozenset[str], limits: Limits) -> dict[str, Any]:
        return {
            "uid": FIRST_UID + self._slot,
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
            "required": self._required,
            "modules": sorted(allowed),
        }

    def _load(self, process: Process, source: Source, allowed: frozenset[str], stand_ins: StandIns) -> None:
        nonce = secrets.token_bytes(16)
        filename = source.name if source.name.endswith(".py") else "submission.py"
        header = {
            "filename": filename[-100:],
            "notebook": source.notebook,
            "allowed": sorted(allowed),
            "stand_ins": stand_ins.program,
            "stand_in_names": dict(stand_ins.names),
        }
        outgoing = encode(Kind.LOAD, nonce, header, source.data)
        answer = _Loading()
        failure = process.exchange(outgoing, Decoder((Kind.CONFINED, Kind.LOADED), nonce), answer.take)
        self.layers, self.remarks, self.defined = answer.layers, answer.remarks, answer.defined
        if (failure is None or self.layers) and not all(self.layers.get(name) for name in self._required):
            raise GraderFault(f"a submission's process was not confined: {dict(self.layers)}")
        if failure is not None and not self.layers and failure.verdict in (Verdict.PROTOCOL, Verdict.EXIT):
            raise GraderFault(
                f"a submission's process failed before it ran any of it: {failure.message} {failure.printed}"
            )
        self._fail(failure or _claimed_failure(answer.failure, process.log))

    def _fail(self, failure: Failure | None) -> None:
        """Where there is a failure, the process goes, and every further call has the same."""
        if failure is not None:
            self.failure = failure
            self.close()


class _Loading:
    """Reads what comes after LOAD: first the layers, said before the submission's first line ran, then the outcome."""

    def __init__(self) -> None:
        self.layers: Mapping[str, bool] = {}
        self.remarks: tuple[str, ...] = ()
        self.defined: tuple[str, ...] = ()
        self.failure: object = None

    def take(self, frame: Frame) -> bool:
        """Read a frame; whether it was the last."""
        if (frame.kind is Kind.CONFINED) == bool(self.layers):
            raise FrameError("the layers and the outcome are not in their order")
        if frame.kind is Kind.CONFINED:
            layers = frame.header.get("layers")
            if not isinstance(layers, dict) or not layers or not all(type(held) is bool for held in layers.values()):
                raise FrameError("layers that are none")
            self.layers = layers
            return False
        self.remarks = _texts(frame.header.get("remarks"))
        self.defined = _texts(frame.header.get("defined"))
        self.failure = frame.header.get("failure")
        if self.failure is not None:
            _check_failure(self.failure)
        return True


class _Answers:
    """Reads the answers to a request's calls, in their order, and the end of it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.answers: list[tuple[Value, tuple[int, ...]] | dict[str, str]] = []
        self.changed_later: frozenset[int] = frozenset()

    def take(self, frame: Frame) -> bool:
        """Read a frame; whether it was the last."""
        header = frame.header
        if frame.kind is Kind.DONE:
            if len(self.answers) != self.count:
                raise FrameError("the end before the last answer")
            self.changed_later = frozenset(_numbers(header.get("changed")))
            return True
        index = header.get("index")
        if type(index) is not int or index != len(self.answers) or index >= self.count:
            raise FrameError("an answer to another call")
        if "failure" in header:
            self.answers.append(_check_failure(header["failure"]))
            return False
        values = frame.values()
        if len(values) != 1:
            raise FrameError("not one value")
        self.answers.append((values[0], _numbers(header.get("changed"))))
        return False

    def complete(self, failure: Failure | None, log: Log) -> list[Returned | Failure]:
        """An answer for each call: where there is none, the process's failure.

        A process that breaks the protocol has no answers at all: one of them may have been sent twice, and which of
        the two was meant nobody can tell.
        """
        if failure is not None and failure.verdict is Verdict.PROTOCOL:
            return [failure] * self.count
        results: list[Returned | Failure] = [
            _failure(answer, log) if isinstance(answer, dict) else Returned(*answer, index in self.changed_later)
            for index, answer in enumerate(self.answers)
        ]
        return results + [failure] * (self.count - len(results)) if failure is not None else results


def _request(function: Function, calls: Sequence[Sequence[Value]], nonce: bytes) -> bytes:
    """The frames of a request, one after the other."""
    header = {
        "name": function.name,
        "count": len(calls),
        "construct": len(function.construct),
        "attributes": list(function.attributes),
    }
    values = [*function.construct, *function.attributes.values()]
    frames = [encode_values(Kind.FUNCTION, nonce, header, values)]
    frames += [encode_values(Kind.CALL, nonce, {}, arguments) for arguments in calls]
    return b"".join(frames)


def _claimed_failure(claim: object, log: Log) -> Failure | None:
    return None if claim is None else _failure(_check_failure(claim), log)


def _check_failure(claim: object) -> dict[str, str]:
    if not isinstance(claim, dict) or not all(
        isinstance(claim.get(name), str) for name in ("verdict", "message", "where", "trace")
    ):
        raise FrameError("a failure that is none")
    if claim["verdict"] not in CLAIMED:
        raise FrameError("a failure of a kind that is seen from outside only")
    return claim


def _failure(claim: Mapping[str, str], log: Log) -> Failure:
    return Failure(
        Verdict(claim["verdict"]),
        sentence(claim["message"], MAX_MESSAGE),
        sentence(claim["where"], MAX_WHERE),
        printable(claim["trace"], KEPT_BYTES),
        log.text(),
    )


def _texts(claim: object) -> tuple[str, ...]:
    if not isinstance(claim, list) or len(claim) > MAX_TEXTS or not all(isinstance(text, str) for text in claim):
        raise FrameError("a list of texts that is none")
    return tuple(sentence(text, MAX_MESSAGE) for text in claim)


def _numbers(claim: object) -> tuple[int, ...]:
    if not isinstance(claim, list) or not all(type(number) is int and number >= 0 for number in claim):
        raise FrameError("a list of positions that is none")
    return tuple(claim)
