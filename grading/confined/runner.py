"""Runs a submission, in the process that was made for it and for nothing else.

The order is what protects. First the walls of `confine`, all but the last. Then the submission is read, and what it
imports is imported, which needs files. Then seccomp, after which no file can be opened any more; and only then does the
first line of the submission run.

From there on everything in this process may be the submission's doing, this module's functions included. So nothing is
secret here, and nothing that is sent from here is more than a claim.
"""

from __future__ import annotations

import builtins
import difflib
import importlib
import json
import linecache
import os
import random
import sys
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from grading.confined import confine
from grading.confined.frames import CannotCrossError, Decoder, Frame, Kind, Tree, encode, encode_values, pack
from grading.confined.submission_code import Submission, SubmissionError, Unit, place, read_submission

DISTURBED, OUT_OF_MEMORY = 120, 121
"""Exit statuses: this module failed; there was not even memory for an answer."""
MAX_NAMES, MAX_REMARKS, MAX_MESSAGE, MAX_TEXT_BYTES = 400, 50, 400, 16 << 10


class ForbiddenImportError(ImportError):
    """A module that submissions may not import."""


class Placeholder:
    """Stands in a notebook for a module that may not be imported, until it is used."""

    def __init__(self, module: str, allowed: Collection[str]) -> None:
        self.__dict__["_complaint"] = refusal(module, allowed)

    def __getattr__(self, name: str) -> NoReturn:
        raise ForbiddenImportError(self.__dict__["_complaint"])

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise ForbiddenImportError(self.__dict__["_complaint"])


def import_all(module: str) -> None:
    """Import a module; of `module.*` all that it imports when asked for."""
    name, star, _ = module.partition(".*")
    found = importlib.import_module(name)
    for part in getattr(found, "__all__", ()) if star else ():
        getattr(found, part, None)


def refusal(module: str, allowed: Collection[str]) -> str:
    """The sentence about a module that may not be imported."""
    return (
        f"the module {module} may not be imported; allowed are: {', '.join(sorted(n for n in allowed if '.' not in n))}"
    )


@dataclass
class Channel:
    """The line to the grader: two descriptors, or twice the same."""

    reading: int
    writing: int
    decoder: Decoder = field(default_factory=lambda: Decoder((Kind.LOAD, Kind.FUNCTION, Kind.CALL)))

    def receive(self) -> Frame:
        """The next frame; ends the process where there will be none."""
        while (frame := self.decoder.next()) is None:
            data = os.read(self.reading, 1 << 18)
            if not data:
                os._exit(0)
            self.decoder.feed(data)
        return frame

    def send(self, data: bytes) -> None:
        """All of a frame, after what was printed before."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # closed or replaced by the submission
                continue
        view = memoryview(data)
        while view:
            view = view[os.write(self.writing, view) :]


def run(order: Mapping[str, Any], channel: Channel, ruleset: int | None, parent: int | None) -> NoReturn:
    """Confine this process, load a submission, answer calls until there are no more.

    Args:
        order: "uid", "cpu_seconds", "memory_bytes", and "required": the layers without which nothing shall run.
        channel: to the grader.
        ruleset: Landlock's, made beforehand.
        parent: without which this process shall not live.
    """
    status = DISTURBED
    try:
        _run(order, channel, ruleset, parent)
    except MemoryError:
        status = OUT_OF_MEMORY
    except BaseException as error:
        if not isinstance(error, OSError):
            os.write(2, f"{type(error).__name__} in the sandbox: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(status)


def _run(order: Mapping[str, Any], channel: Channel, ruleset: int | None, parent: int | None) -> NoReturn:
    layers = {
        "limits": confine.limit_resources(order["cpu_seconds"], order["memory_bytes"]),
        "own user": confine.become_user(order["uid"]),
        "no new privileges": confine.forbid_privileges(parent),
        "landlock": confine.landlock(ruleset),
    }
    if ruleset is not None:
        os.close(ruleset)
    frame = channel.receive()
    loaded = Loaded(frame.header["filename"], frozenset(frame.header["allowed"]))
    failure = loaded.read(frame.payload, frame.header["notebook"])
    random.seed(0)  # all children inherit the same state anyway; so runs can be repeated
    np.random.seed(0)
    layers["seccomp"] = confine.seccomp()
    channel.send(encode(Kind.CONFINED, frame.nonce, {"layers": layers}))
    if not all(layers[name] for name in order["required"]):
        os._exit(0)
    failure = failure or loaded.execute()
    loaded.stand_in(frame.header["stand_ins"], frame.header["stand_in_names"])
    said = {"failure": failure} if failure else {}
    remarks = bounded([remark[:MAX_MESSAGE] for remark in loaded.submission.remarks[:MAX_REMARKS]])
    channel.send(encode(Kind.LOADED, frame.nonce, {**said, "remarks": remarks, "defined": bounded(loaded.defined())}))
    while True:
        answer_request(loaded, channel, channel.receive())


def bounded(texts: Sequence[str]) -> list[str]:
    """The first ones, as many as a frame's header has room for: letters of other scripts need six bytes each."""
    room, kept = MAX_TEXT_BYTES, []
    for text in texts:
        room -= len(json.dumps(text)) + 2
        if room < 0:
            break
        kept.append(text)
    return kept


# --- loading ----------------------------------------------------------------------------------------------------


@dataclass
class Loaded:
    """A submission in its namespace.

    Attributes:
        filename: of a `.py`.
        allowed: top-level modules that it may import.
        submission: its code.
        namespace: what its code defined.
        lost: failures of definitions, by name; "" stands for any name that was not defined.
    """

    filename: str
    allowed: frozenset[str]
    submission: Submission = field(default_factory=Submission)
    namespace: dict[str, Any] = field(default_factory=dict)
    lost: dict[str, dict[str, str]] = field(default_factory=dict)

    def read(self, data: bytes, notebook: bool) -> dict[str, str] | None:
        """Compile it, and import what it imports. Returns a failure, or None."""
        try:
            self.submission = read_submission(data, notebook, self.filename, self.allowed)
        except SubmissionError as error:
            return failure("syntax error", error.message, error.where)
        for module in sorted(self.submission.imports):
            if module.partition(".")[0] in self.allowed:
                try:
                    import_all(module)
                except Exception:  # not a module, or one that fails: the submission's own import will tell
                    continue
        for filename, lines in self.submission.lines.items():
            linecache.cache[filename] = (1, None, [line + "\n" for line in lines], filename)  # warnings show a line
        return None

    def execute(self) -> dict[str, str] | None:
        """Run it, in a module that looks like an imported one. Returns a failure, or None."""
        module = types.ModuleType("submission")
        sys.modules["submission"] = module
        self.namespace = module.__dict__
        self.namespace["__builtins__"] = {**vars(builtins), "__import__": self._import, "exit": _exit, "quit": _exit}
        for unit in self.submission.units:
            try:
                self._execute(unit)
            except BaseException as error:
                found = self.describe(error, "loading it")
                if not unit.optional:
                    return self._broken_off(found, error)
                self.submission.remarks.append(f"{found['where'] or unit.where} was left out: {found['message']}")
                self.lost.update(dict.fromkeys(unit.names, found))
        return None

    def _broken_off(self, found: dict[str, str], error: BaseException) -> dict[str, str] | None:
        """What was defined before an exception stays; names that were not have it as their failure."""
        if not isinstance(error, Exception) or isinstance(error, MemoryError) or not self.defined():
            return found
        self.lost[""] = found
        self.submission.remarks.append(f"{found['where']}: {found['message']}; what stands after it was not run")
        return None

    def stand_in(self, program: str, names: Mapping[str, str]) -> None:
        """Put other functions in the place of the submission's.

        Args:
            program: source of the stand-ins.
            names: of what it defines, by the names that the submission calls it by.
        """
        if names:
            others: dict[str, Any] = {"__name__": "stand_ins"}
            exec(compile(program, "stand_ins", "exec"), others)
            self.namespace.update({name: others[own] for name, own in names.items()})

    def _execute(self, unit: Unit) -> None:
        for name, module in unit.placeholders:
            self.namespace[name] = Placeholder(module, self.allowed)
        exec(unit.code, self.namespace)
        for name in unit.names:
            self.lost.pop(name, None)

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        """`import` for a submission. It explains; what protects is that no file can be opened.

        C code that a submission calls imports through here as well, and is let through: it gives a list of names,
        where an import statement gives a tuple or None.
        """
        if type(fromlist) is list:
            return builtins.__import__(name, globals, locals, fromlist, level)
        if level or name.partition(".")[0] not in self.allowed:
            raise ForbiddenImportError(refusal("." * level + name, self.allowed))
        return builtins.__import__(name, globals, locals, fromlist, level)

    def defined(self) -> list[str]:
        """Functions and classes that the submission itself defines, methods with their class."""
        names = []
        for name, value in list(self.namespace.items()):
            if self._is_own_function(value):
                names.append(name)
            elif isinstance(value, type) and value.__module__ == "submission":
                names.append(name)
                own = [key for key, member in vars(value).items() if self._is_own_function(member)]
                names += [f"{name}.{key}" for key in own]
        return [name[:100] for name in names[:MAX_NAMES]]

    def _is_own_function(self, value: object) -> bool:
        value = getattr(value, "__func__", value) if isinstance(value, staticmethod | classmethod) else value
        return isinstance(value, types.FunctionType) and value.__code__.co_filename in self.submission.lines

    # --- telling what went wrong -----------------------------------------------------------------------------

    def describe(self, error: BaseException, what: str) -> dict[str, str]:
        """A failure from an exception; `what` was being done."""
        try:
            return self._describe(error, what)
        except MemoryError:
            raise
        except BaseException:  # an exception that cannot even be printed
            return failure("exception", f"{what} raised an exception that cannot be described")

    def _describe(self, error: BaseException, what: str) -> dict[str, str]:
        trace, where = self.trace(error.__traceback__)
        text = " ".join(str(error).split())
        sentence = f"{type(error).__name__}: {text}" if text else type(error).__name__
        trace += f"{sentence[:MAX_MESSAGE]}\n"
        if isinstance(error, ForbiddenImportError):
            return failure("forbidden import", text, where, trace)
        if isinstance(error, PermissionError):
            sentence += " (no files, network or other processes while grading)"
        if isinstance(error, MemoryError):
            return failure("memory", f"{what} ran out of memory", where, trace)
        if isinstance(error, SystemExit):
            return failure("exit", f"{what} ended Python", where, trace)
        if isinstance(error, CannotCrossError):
            return failure("wrong type", text, where)
        return failure("exception", f"{what} raised {sentence}", where, trace)

    def trace(self, traceback: TracebackType | None) -> tuple[str, str]:
        """The frames that lie in the submission, and the place of the last one."""
        steps = []
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if code.co_filename in self.submission.lines:
                steps.append((code, traceback.tb_lineno))
            traceback = traceback.tb_next
        shown = [self._step(code, line) for code, line in steps]
        if len(shown) > 12:
            shown[6:-6] = [f"  ... {len(shown) - 12} more ...\n"]
        return "".join(shown), place(steps[-1][0].co_filename, steps[-1][1]) if steps else ""

    def _step(self, code: types.CodeType, line: int) -> str:
        lines = self.submission.lines[code.co_filename]
        source = lines[line - 1].strip()[:120] if 0 < line <= len(lines) else ""
        return f"  {place(code.co_filename, line)}, in {code.co_name[:60]}\n    {source}\n"


def failure(verdict: str, message: str, where: str = "", trace: str = "") -> dict[str, str]:
    """What is sent of a failure."""
    return {"verdict": verdict, "message": message[:MAX_MESSAGE], "where": where[:100], "trace": trace[:4000]}


def _exit(status: object = None) -> NoReturn:
    raise SystemExit(status)


# --- calls ------------------------------------------------------------------------------------------------------


def answer_request(loaded: Loaded, channel: Channel, request: Frame) -> None:
    """Answer all calls of a request, each as soon as it is done; then tell which results changed afterwards."""
    results: dict[int, tuple[object, tuple[Tree, list[bytes]]]] = {}
    for index in range(request.header["count"]):
        call = channel.receive()
        data, result = answer_call(loaded, request, call, index)
        channel.send(data)
        if result is not None:
            results[index] = (result, pack(result))
    changed = [index for index, (result, before) in results.items() if _changed(result, before)]
    channel.send(encode(Kind.DONE, request.nonce, {"changed": changed[:2000]}))


def answer_call(loaded: Loaded, request: Frame, call: Frame, index: int) -> tuple[bytes, object]:
    """Make one call. Returns the frame that answers it, and the result, or None where there is none."""
    name = request.header["name"]
    try:
        function = look_up(loaded, request)
        if isinstance(function, dict):
            return encode(Kind.ANSWER, call.nonce, {"index": index, "failure": function}), None
        arguments = call.values()
        before = [pack(argument) for argument in arguments]
        result = function(*arguments)
        changed = [position for position, pair in enumerate(zip(arguments, before, strict=True)) if _changed(*pair)]
        header = {"index": index, "changed": changed}
        return encode_values(Kind.ANSWER, call.nonce, header, [result]), result
    except CannotCrossError as error:
        said = failure("wrong type", f"{name} returned {error}")
    except BaseException as error:
        said = loaded.describe(error, name)
    return encode(Kind.ANSWER, call.nonce, {"index": index, "failure": said}), None


def look_up(loaded: Loaded, request: Frame) -> Any:
    """The function or the bound method to call; a failure as a dict where there is none."""
    name = request.header["name"]
    first, _, method = name.partition(".")
    found = loaded.namespace.get(first)
    if found is None or not callable(found) or isinstance(found, Placeholder):
        return _missing(loaded, name, first, found)
    if not method:
        return found
    count = request.header["construct"]
    values = request.values()
    instance = found(*values[:count])
    for attribute, value in zip(request.header["attributes"], values[count:], strict=True):
        setattr(instance, attribute, value)
    function = getattr(instance, method, None)
    if callable(function):
        return function
    near = difflib.get_close_matches(method, [key for key in dir(instance) if not key.startswith("__")], 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return failure("missing function", f"the class {first} has no method {method}{hint}")


def _missing(loaded: Loaded, name: str, first: str, found: object) -> dict[str, str]:
    if first in loaded.lost:
        return loaded.lost[first]
    if found is None and "" in loaded.lost:
        return loaded.lost[""]
    unread = loaded.submission.unread
    if found is None and unread:
        error = unread.get(first, unread[""])
        return failure("syntax error", error.message, error.where)
    if found is not None:
        return failure("missing function", f"{first} is a {type(found).__name__}, nothing that can be called")
    near = difflib.get_close_matches(name, loaded.defined(), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return failure("missing function", f"the submission defines no {name}{hint}")


def _changed(value: object, before: tuple[Tree, list[bytes]]) -> bool:
    try:
        return pack(value) != before
    except CannotCrossError:
        return True
