"""What an instructor sets: which functions, what each returns, in which layout, for how many points.

It is data, read from an `assignment.toml`. Nothing here knows how to grade; it says what is asked, and refuses a file
that asks for what cannot be graded, naming the key, what was found and what is allowed.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backprop.functions import unknown_name

Computes: TypeAlias = Literal[
    "activation", "activation slope", "output activation", "forward", "cost", "backward", "sgd step", "train"
]
"""What a question asks for, in the grader's own words; the student's function may have any name."""

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "activation": ("z",),
    "activation slope": ("z",),
    "output activation": ("z",),
    "forward": ("kernels", "biases", "x"),
    "cost": ("a", "y"),
    "backward": ("kernels", "biases", "zs", "activations", "y"),
    "sgd step": ("kernels", "biases", "kernel_gradients", "bias_gradients", "learning_rate"),
    "train": ("kernels", "biases", "x", "y", "batches", "learning_rate"),
}
"""The arguments of each kind of question where the assignment names no others; also the order they are known in."""

KNOWN_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    **ARGUMENTS,
    "backward": ("kernels", "biases", "x", "zs", "activations", "y"),
}
"""All that a function of each kind can be given."""

RETURNS: Mapping[str, tuple[str, ...]] = {
    "activation": ("values",),
    "activation slope": ("values",),
    "output activation": ("values",),
    "forward": ("zs", "activations"),
    "cost": ("cost",),
    "backward": ("kernel_gradients", "bias_gradients"),
    "sgd step": ("kernels", "biases"),
    "train": ("kernels", "biases"),
}
"""What each kind returns where the assignment does not say otherwise."""

KNOWN_RETURNS: Mapping[str, tuple[str, ...]] = {**RETURNS, "forward": ("zs", "activations", "output")}

# fmt: off
IMPORTS = (
    "__future__", "abc", "argparse", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "gzip", "heapq", "itertools", "json", "logging", "math", "numbers",
    "numpy", "operator", "os", "pathlib", "pickle", "random", "statistics", "string", "struct", "sys", "textwrap",
    "time", "types", "typing", "warnings",
)
# fmt: on
"""What a submission may import: NumPy, and what of the standard library people reach for. Some of it, such as `os`, can
do nothing in the sandbox; it is on the list because an import left over should cost nobody a point."""


class AssignmentError(Exception):
    """The assignment cannot be used. The message names each key, what was found and what is allowed."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Question(_Strict):
    """One function of the student's."""

    function: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$", max_length=100)]
    """Its name, or `Class.method`."""
    computes: Computes
    points: Annotated[float, Field(ge=0, le=1000, strict=False)]
    follow_through: bool = True
    """Whether values that are right, given an earlier mistake, earn their points."""
    arguments: Annotated[tuple[str, ...], Field(strict=False)] = ()
    returns: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_its_kind(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("computes") in ARGUMENTS:
            kind = data["computes"]
            return {"arguments": list(ARGUMENTS[kind]), "returns": list(RETURNS[kind])} | data
        return data

    @model_validator(mode="after")
    def _known_quantities(self) -> Self:
        for key, names, known in (
            ("arguments", self.arguments, KNOWN_ARGUMENTS[self.computes]),
            ("returns", self.returns, KNOWN_RETURNS[self.computes]),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(f"{key}: {unknown_name('a name', name, known)}")
            if len(set(names)) < len(names):
                raise ValueError(f"{key}: {', '.join(names)} names something twice")
        if not self.returns:
            raise ValueError("returns: nothing; expected at least one of " + ", ".join(KNOWN_RETURNS[self.computes]))
        return self

    @property
    def own_forward(self) -> bool:
        """Whether the function must do the forward pass by itself: it is not given the activations."""
        return self.computes == "train" or (self.computes == "backward" and "activations" not in self.arguments)


class StudentClass(_Strict):
    """For methods: how the student's class is made before each call."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$", max_length=100)]
    constructed_from: Annotated[tuple[Literal["sizes"], ...], Field(strict=False)] = ("sizes",)
    """Arguments of the class: `sizes`, the list of the layers' widths, or nothing."""
    attributes: Mapping[str, Literal["kernels", "biases"]] = {}
    """What is set on the instance, by the names it has there."""


class ScoringRules(_Strict):
    """How mistakes become points."""

    mistake_costs: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.5
    """What one mistake takes from a question, as a share of its points, however many values it spoils."""


Judgement: TypeAlias = Literal["accept", "reject"]


class Dialects(_Strict):
    """What to do with work that is consistent in itself, but in another convention than the assignment's."""

    transposed_kernels: Judgement = "accept"
    """Kernels (outputs, inputs) where (inputs, outputs) is asked, or the reverse."""
    samples_in_columns: Judgement = "accept"
    """Samples in columns where rows are asked, or the reverse."""
    column_biases: Judgement = "accept"
    """Biases (outputs, 1) where (outputs,) is asked, or the reverse."""
    scaled_cost: Judgement = "reject"
    """Half the cost, its sum over the batch or mean over the outputs, in cost and gradient. Rejected: charged once."""


class LimitSettings(_Strict):
    """What a submission may use. For each question anew."""

    cpu_seconds: Annotated[float, Field(ge=0.5, le=600, strict=False)] = 5
    wall_seconds: Annotated[float, Field(ge=0.5, le=1200, strict=False)] = 10
    memory_mebibytes: Annotated[int, Field(ge=256, le=65536)] = 1024
    source_kibibytes: Annotated[int, Field(ge=1, le=65536)] = 1024


class Assignment(_Strict):
    """All that an assignment says."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    layout: Literal["keras", "notes"] = "keras"
    """keras: samples in rows, kernels (inputs, outputs), biases (outputs,). notes: samples in columns, weights
    (outputs, inputs), biases (outputs, 1)."""
    samples: Literal["batch", "one"] = "batch"
    """Whether functions get a batch of samples, or one."""
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid"
    """Of the hidden layers."""
    output: Literal["sigmoid", "tanh", "relu", "linear", "softmax"] = "sigmoid"
    """Of the last layer."""
    cost: Literal["squared-error", "half-squared-error", "cross-entropy"] = "squared-error"
    imports: Annotated[tuple[str, ...], Field(strict=False)] = IMPORTS
    """Top-level modules that a submission may import."""
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=50, strict=False)]
    student_class: Annotated[StudentClass | None, Field(alias="class")] = None
    scoring: ScoringRules = ScoringRules()
    dialects: Dialects = Dialects()
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.output == "softmax") != (self.cost == "cross-entropy"):
            raise ValueError(
                f"output is {self.output!r} and cost is {self.cost!r}; softmax and cross-entropy go together: "
                "set both, or neither"
            )
        names = [question.function for question in self.questions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"questions: function {name!r} is asked for twice")
            owner, dot, _ = name.partition(".")
            if dot and (self.student_class is None or self.student_class.name != owner):
                found = (
                    "there is no [class]" if self.student_class is None else f"its name is {self.student_class.name!r}"
                )
                raise ValueError(f"questions: function {name!r} is a method of {owner!r}, but {found}")
        if not sum(question.points for question in self.questions) > 0:
            raise ValueError("questions: no question has points")
        if self.samples == "one" and any(question.computes == "train" for question in self.questions):
            raise ValueError('questions: train takes batches; it cannot be asked with samples = "one"')
        return self

    @property
    def points(self) -> float:
        """The most that can be reached."""
        return sum(question.points for question in self.questions)


def read_assignment(path: Path) -> Assignment:
    """Read a folder with an `assignment.toml`, or that file.

    Raises:
        AssignmentError: where it is missing, unreadable or wrong; all that is wrong in one message.
    """
    file = path / "assignment.toml" if path.is_dir() else path
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AssignmentError(
            f"{file} does not exist; expected an assignment.toml, or a folder that has one."
        ) from None
    except OSError as error:
        raise AssignmentError(f"{file} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise AssignmentError(f"{file} is not text in UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise AssignmentError(f"{file} is not TOML: {error or 'nested too deeply'}.") from None
    return parse_assignment(data, str(file))


def parse_assignment(data: dict[str, Any], name: str) -> Assignment:
    """The same from a dictionary; `name` is what messages call it.

    Raises:
        AssignmentError: as for `read_assignment`.

    Example:
        >>> parse_assignment({"title": "T", "layout": "kears", "questions": []}, "T.toml")
        Traceback (most recent call last):
        grading.assignment.AssignmentError: T.toml cannot be used:
          layout is 'kears'; expected 'keras' or 'notes'. Did you mean 'keras'?
          questions is []; expected at least 1 item.
    """
    try:
        return Assignment.model_validate(data)
    except ValidationError as error:
        problems = "".join(f"\n  {problem}" for problem in _problems(error))
        raise AssignmentError(f"{name} cannot be used:{problems}") from None


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        key = ".".join(f"{part + 1}" if isinstance(part, int) else str(part) for part in problem["loc"])
        key = key or "the file"
        found = repr(problem["input"])
        found = found if len(found) <= 60 else found[:57] + "..."
        match problem["type"]:
            case "extra_forbidden":
                yield unknown_name("key", key.rpartition(".")[2], _keys_beside(problem["loc"])).replace(
                    "key is", f"{key}: key is"
                )
            case "missing":
                yield f"{key} is missing."
            case "value_error":
                message = str(problem["ctx"]["error"]).removesuffix(".")
                yield f"{key}: {message}." if problem["loc"] else f"{message}."
            case "literal_error":
                expected = str(problem["ctx"]["expected"])
                yield f"{key} is {found}; expected {expected}." + _near(problem["input"], expected)
            case _:
                message = problem["msg"].removeprefix("Input should be ").removeprefix("Input should ")
                message = message.removeprefix("List should have ").removeprefix("Tuple should have ")
                for said, meant in PLAIN.items():
                    message = message.replace(said, meant)
                yield f"{key} is {found}; expected {message.partition(' after validation')[0]}."


PLAIN = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "String should match pattern": "a Python name:",
}
"""The validating library's words, and plainer ones."""


def _near(found: Any, expected: str) -> str:
    sentence = unknown_name("", str(found), [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")])
    _, question, guess = sentence.partition(" Did you mean ")
    return question + guess


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    tables: Mapping[str, type[BaseModel]] = {
        "questions": Question,
        "class": StudentClass,
        "scoring": ScoringRules,
        "dialects": Dialects,
        "limits": LimitSettings,
    }
    model = tables.get(str(loc[0]), Assignment) if len(loc) > 1 else Assignment
    return [field.alias or name for name, field in model.model_fields.items()]
