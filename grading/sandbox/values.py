"""What goes into the sandbox and what comes out: submissions, calls, limits, and how a call can end."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grading.confined.frames import Value


class Verdict(enum.StrEnum):
    """How a call failed, in the words that people read."""

    EXCEPTION = "exception"
    SYNTAX = "syntax error"
    MISSING = "missing function"
    EXIT = "exit"
    CRASH = "crash"
    CPU = "CPU limit"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output limit"
    PROTOCOL = "protocol"
    TOO_LARGE = "source too large"
    FORBIDDEN_IMPORT = "forbidden import"
    RESULT = "wrong type"


CLAIMED = frozenset(
    {
        Verdict.EXCEPTION,
        Verdict.SYNTAX,
        Verdict.MISSING,
        Verdict.EXIT,
        Verdict.MEMORY,
        Verdict.FORBIDDEN_IMPORT,
        Verdict.RESULT,
    }
)
"""What a submission's own process may say of a call. The others are seen from outside."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cpu_seconds: of its process, over loading and all calls together; rounded up to whole seconds.
        wall_seconds: for loading, and again for each request.
        memory_bytes: of address space, of which Python and NumPy take some 150 MiB.
        source_bytes: of the file.
        output_bytes: printed, over the whole session.
    """

    cpu_seconds: float = 10
    wall_seconds: float = 20
    memory_bytes: int = 1 << 30
    source_bytes: int = 1 << 20
    output_bytes: int = 16 << 20


@dataclass(frozen=True)
class Failure:
    """Why there is no value.

    Attributes:
        verdict: the kind.
        message: one sentence for a person, without control characters.
        where: "line 12", "cell 3, line 4", or "".
        trace: the traceback, as far as it lies in the submission.
        printed: the end of what was printed, in all calls so far.
    """

    verdict: Verdict
    message: str
    where: str = ""
    trace: str = ""
    printed: str = ""


@dataclass(frozen=True)
class Returned:
    """What a call gave.

    Attributes:
        value: as it crossed; only numbers, arrays, lists, tuples and None do.
        changed_arguments: positions of arguments that the call changed in place. Said by the submission's own process:
            good for a hint, not for a score that somebody might lie for.
        changed_later: whether later calls of the same request changed this result. Said likewise.
    """

    value: Value
    changed_arguments: tuple[int, ...] = ()
    changed_later: bool = False


@dataclass(frozen=True)
class Function:
    """What to call.

    Attributes:
        name: "backward", or "Network.backprop" for a method of a new instance.
        construct: arguments for the class.
        attributes: set on the instance before the call.
    """

    name: str
    construct: tuple[Value, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


class SandboxUnavailable(Exception):
    """Protection is missing on this machine; the message says which, and how to go on."""


class GraderFault(Exception):
    """The sandbox itself failed. Never the submission's fault, and never its score."""


class SourceError(ValueError):
    """A submission that cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class StandIns:
    """Functions that take the place of some of the submission's, so that others can be tried by themselves.

    Attributes:
        program: source that defines them; it needs nothing but NumPy. The submission can read it.
        names: of what it defines, by the names that the submission calls it by.
    """

    program: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


NO_STAND_INS = StandIns()


@dataclass(frozen=True)
class Source:
    """A submission, as bytes: nothing but its process looks into them.

    Attributes:
        name: the file's name.
        data: its bytes.
        notebook: whether it is one.
    """

    name: str
    data: bytes
    notebook: bool = False

    @classmethod
    def read(cls, path: str | Path) -> Source:
        """Read a `.py` or an `.ipynb`.

        Raises:
            SourceError: where there is no such file, it is something else, or it cannot be read.
        """
        path = Path(path)
        if path.is_dir():
            raise SourceError(f"{path} is a folder; expected a .py file or an .ipynb notebook")
        if path.suffix.lower() not in (".py", ".ipynb"):
            raise SourceError(f"{path} is neither a .py file nor an .ipynb notebook")
        try:
            if path.exists() and not path.is_file():
                raise SourceError(f"{path} is no ordinary file")
            return cls(path.name, path.read_bytes(), path.suffix.lower() == ".ipynb")
        except FileNotFoundError:
            raise SourceError(f"{path} was not found") from None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error
