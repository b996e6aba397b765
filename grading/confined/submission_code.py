"""From the bytes of a submission, a `.py` or a notebook, to code that can be run. Runs in the confined process only.

A `.py` runs as a whole, as an import would run it. A notebook is a diary: between its definitions there is training,
plotting, and what once worked. Of its cells only imports, functions, classes and constants are kept, each as a unit of
its own, so that one which fails takes nothing else with it:

    W = np.zeros((3, 2))              kept: a constant calls nothing but NumPy and plain builtins
    f = lambda z: z * z               kept
    history = train(network, 30)      left out

Code objects know their file as "cell 3", counting code cells from 1, and lines count within the cell, as students do.
"""

from __future__ import annotations
import __future__

import ast
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

TOO_DEEP = "the code is nested too deeply for Python to read"

# fmt: off
PLAIN_BUILTINS = frozenset({
    "abs", "all", "any", "bool", "bytes", "complex", "dict", "divmod", "enumerate", "float", "frozenset", "getattr",
    "hasattr", "int", "isinstance", "len", "list", "max", "min", "pow", "range", "reversed", "round", "set", "slice",
    "sorted", "str", "sum", "tuple", "zip",
})
# fmt: on
KEPT_CELL_MAGICS = frozenset({"time", "timeit", "capture"})
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)

MAGIC = re.compile(r"\s*(?:[%!?]|[\w.]+\?{1,2}\s*$|[\w.,\s]+=\s*[%!])")
CELL_MAGIC = re.compile(r"\s*%%(\w*)")
DEFINED = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*=\s*lambda\b", re.MULTILINE)


class SubmissionError(Exception):
    """A submission that cannot be read.

    Attributes:
        message: one sentence.
        where: such as "line 12" or "cell 3, line 4"; "" where no place can be named.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


@dataclass(frozen=True)
class Unit:
    """A piece of code that runs at once.

    Attributes:
        code: compiled.
        names: what it defines.
        optional: whether its failure is a remark only.
        where: its place.
        placeholders: names that stand for modules which must not be imported, with the module's name.
    """

    code: CodeType
    names: tuple[str, ...] = ()
    optional: bool = False
    where: str = ""
    placeholders: tuple[tuple[str, str], ...] = ()


@dataclass
class Submission:
    """What was read.

    Attributes:
        units: to be run in this order, in one namespace.
        imports: modules that the code imports anywhere.
        lines: source lines of each file name that code objects know.
        remarks: what was left out, one sentence each.
        unread: names in cells that could not be read, with the error; "" stands for any other name.
    """

    units: list[Unit] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    lines: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    unread: dict[str, SubmissionError] = field(default_factory=dict)


def place(filename: str, line: int | None) -> str:
    """How to say where something is: "line 12", or "cell 3, line 4"."""
    cell = f"{filename}, " if re.fullmatch(r"cell \d+", filename) else ""
    return f"{cell}line {line}" if line else cell.removesuffix(", ")


def read_submission(data: bytes, notebook: bool, filename: str, allowed: Collection[str] = ()) -> Submission:
    """Read and compile, running nothing.

    Args:
        data: the file's bytes.
        notebook: whether they are a notebook's.
        filename: how code objects of a `.py` shall know their file.
        allowed: top-level modules that may be imported.

    Raises:
        SubmissionError: where the code is no Python, or the notebook no notebook. Unreadable cells are remarks.
    """
    try:
        return _Notebook(frozenset(allowed)).read(data) if notebook else _read_module(data, filename, allowed)
    except (MemoryError, RecursionError) as error:
        raise SubmissionError(TOO_DEEP) from error


def _read_module(data: bytes, filename: str, allowed: Collection[str]) -> Submission:
    tree = parse(data, filename)
    names = names_of(tree)
    placeholders: list[tuple[str, str]] = []
    remarks = []
    for index, statement in enumerate(tree.body):
        tree.body[index], refused = without_forbidden(statement, allowed)
        placeholders += refused
        where = place(filename, statement.lineno)
        remarks += [f"{where}: {module} was not imported; what uses it will fail" for _, module in refused]
    unit = Unit(compiled(tree, filename), names, placeholders=tuple(placeholders))
    lines = data.decode("utf-8", "replace").splitlines()
    return Submission([unit], imported_modules(tree), {filename: lines}, remarks)


def without_forbidden(statement: ast.stmt, allowed: Collection[str]) -> tuple[ast.stmt, tuple[tuple[str, str], ...]]:
    """Take what may not be imported out of an import statement; the rest, and (name, module) for what was taken.

    `from module import *` stays, and fails: what it would have defined is not known.
    """
    if isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        refused = [] if module.partition(".")[0] in allowed else [a for a in statement.names if a.name != "*"]
        placeholders = tuple((alias.asname or alias.name, module) for alias in refused)
    elif isinstance(statement, ast.Import):
        refused = [alias for alias in statement.names if alias.name.partition(".")[0] not in allowed]
        placeholders = tuple((alias.asname or alias.name.partition(".")[0], alias.name) for alias in refused)
    else:
        return statement, ()
    statement.names = [alias for alias in statement.names if alias not in refused]
    rest = statement if statement.names else ast.copy_location(ast.Pass(), statement)
    return rest, placeholders


def parse(source: bytes | str, filename: str) -> ast.Module:
    """`ast.parse`, with all its ways to fail as one.

    Raises:
        SubmissionError: with Python's own sentence.
    """
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        raise SubmissionError(str(error.msg), place(filename, error.lineno)) from error
    except (MemoryError, RecursionError) as error:
        raise SubmissionError(TOO_DEEP) from error
    except (ValueError, OverflowError) as error:  # bytes that are no text, NUL
        raise SubmissionError(str(error)) from error


def compiled(tree: ast.Module, filename: str, flags: int = 0) -> CodeType:
    """`compile`, with all its ways to fail as one.

    Raises:
        SubmissionError: such as for a `return` outside a function.
    """
    try:
        code: CodeType = compile(tree, filename, "exec", flags=flags, dont_inherit=True, optimize=0)
        return code
    except SyntaxError as error:
        raise SubmissionError(str(error.msg), place(filename, error.lineno)) from error
    except (MemoryError, RecursionError) as error:
        raise SubmissionError(TOO_DEEP) from error
    except (ValueError, OverflowError) as error:
        raise SubmissionError(str(error)) from error


def imported_modules(tree: ast.AST) -> set[str]:
    """Names of all modules that are imported anywhere, also those that might be: `from a import b` gives a and a.b.

    `from a import *` gives a and a.*, which stands for all that a says it has.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def names_of(tree: ast.Module | ast.stmt) -> tuple[str, ...]:
    """What the top level of a statement, or of a module, defines or assigns."""
    return tuple(dict.fromkeys(_names(tree)))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, DEFINITIONS):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.stmt | ast.Module | ast.Tuple | ast.List | ast.Starred | ast.ExceptHandler):
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


# --- notebooks --------------------------------------------------------------------------------------------------


def code_cells(data: bytes) -> list[str]:
    """The sources of a notebook's code cells, formats 3 and 4.

    Raises:
        SubmissionError: where this is no notebook, or one in another language.
    """
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SubmissionError("the notebook is no JSON: save it again from Jupyter") from error
    cells = _dict(notebook).get("cells")
    if cells is None:
        sheets = _list(_dict(notebook).get("worksheets"))
        cells = [cell for sheet in sheets for cell in _list(_dict(sheet).get("cells"))]
    if not isinstance(cells, list) or not ({"cells", "worksheets"} & set(_dict(notebook))):
        raise SubmissionError("the file is JSON, but no notebook: it has no cells")
    metadata = _dict(_dict(notebook).get("metadata"))
    language = _dict(metadata.get("kernelspec")).get("language") or _dict(metadata.get("language_info")).get("name")
    if isinstance(language, str) and language.lower() not in ("python", "ipython", "python3"):
        raise SubmissionError(f"the notebook is written in {language[:40]}; expected Python")
    return [_source(_dict(cell)) for cell in cells if _dict(cell).get("cell_type") == "code"]


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def without_magics(source: str, filename: str) -> ast.Module:
    """Parse a cell; lines that are IPython's and no Python become `pass`, the others keep their numbers.

    Only lines at which the parser stumbles are taken for magics: `% b` may also go on with an expression or a text.

    Raises:
        SubmissionError: where the rest is no Python either.
    """
    lines = re.split(r"\r\n|[\n\r]", source)
    for _ in range(100):
        try:
            return parse("\n".join(lines), filename)
        except SubmissionError as error:
            number = int(error.where.rpartition(" ")[2] or 0) - 1
            if not 0 <= number < len(lines) or not MAGIC.match(lines[number]):
                break
            _comment_out(lines, number)
    for number, line in enumerate(lines):
        if MAGIC.match(line):
            _comment_out(lines, number)
    return parse("\n".join(lines), filename)


def _comment_out(lines: list[str], number: int) -> None:
    line = lines[number]
    lines[number] = line[: len(line) - len(line.lstrip())] + "pass"
    while line.rstrip().endswith("\\") and number + 1 < len(lines):
        number += 1
        line, lines[number] = lines[number], ""


@dataclass
class _Notebook:
    """Reads one notebook."""

    allowed: frozenset[str]
    numpy_names: set[str] = field(default_factory=set)
    flags: int = 0
    found: Submission = field(default_factory=Submission)

    def read(self, data: bytes) -> Submission:
        cells = []
        for number, source in enumerate(code_cells(data), start=1):
            filename = f"cell {number}"
            self.found.lines[filename] = source.splitlines()
            if (tree := self._tree(source, filename)) is not None:
                cells.append((filename, tree))
        for _, tree in cells:
            self.numpy_names |= numpy_names(tree)
        for filename, tree in cells:
            self._cell(filename, tree)
        return self.found

    def _tree(self, source: str, filename: str) -> ast.Module | None:
        if magic := CELL_MAGIC.match(source):
            if magic[1] not in KEPT_CELL_MAGICS:
                self.found.remarks.append(f"{filename} was left out: it begins with %%{magic[1]}")
                return None
            source = re.sub(r"%%.*", "", source, count=1)
        try:
            return without_magics(source, filename)
        except SubmissionError as error:
            self._unread(error, filename, [first or second for first, second in DEFINED.findall(source)])
            return None

    def _unread(self, error: SubmissionError, filename: str, names: Collection[str]) -> None:
        self.found.remarks.append(f"{error.where or filename} could not be read: {error.message}")
        for name in ("", *names):
            self.found.unread.setdefault(name, SubmissionError(error.message, error.where or filename))

    def _cell(self, filename: str, tree: ast.Module) -> None:
        left_out = 0
        for statement in tree.body:
            if _is_future(statement):
                self.flags |= _future_flags(statement)
            elif self._keep(statement):
                self._add(filename, statement)
            elif not _says_nothing(statement):
                left_out += 1
        if left_out:
            statements = "1 statement was" if left_out == 1 else f"{left_out} statements were"
            self.found.remarks.append(f"{filename}: {statements} left out; only imports, definitions and constants run")

    def _add(self, filename: str, statement: ast.stmt) -> None:
        names = names_of(statement)
        rest, placeholders = without_forbidden(statement, self.allowed)
        module = ast.Module([rest], type_ignores=[])
        try:
            code = compiled(module, filename, self.flags)
        except SubmissionError as error:
            self._unread(error, filename, names)
            return
        self.found.imports |= imported_modules(module)
        where = place(filename, statement.lineno)
        self.found.units.append(Unit(code, names, optional=True, where=where, placeholders=placeholders))

    def _keep(self, statement: ast.stmt, inner: bool = False) -> bool:
        match statement:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Assign(targets=targets, value=value):
                return all(_is_name(target) for target in targets) and self._harmless(value)
            case ast.AnnAssign(target=ast.Name(), value=value):
                return value is not None and self._harmless(value)
            case ast.If(test=test):
                mains = any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))
                return not mains and self._harmless(test) and self._keep_all(statement.body + statement.orelse)
            case ast.Try():
                handled = [inside for handler in statement.handlers for inside in handler.body]
                return self._keep_all(statement.body + handled + statement.orelse + statement.finalbody)
        return inner and _says_nothing(statement)

    def _keep_all(self, statements: list[ast.stmt]) -> bool:
        return all(self._keep(statement, inner=True) for statement in statements)

    def _harmless(self, value: ast.expr) -> bool:
        """Whether evaluating an expression calls nothing but NumPy and plain builtins."""
        waiting: list[ast.AST] = [value]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Lambda):
                continue  # not called
            if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
                return False
            if isinstance(node, ast.Call) and not self._harmless_function(node.func):
                return False
            waiting.extend(ast.iter_child_nodes(node))
        return True

    def _harmless_function(self, function: ast.expr) -> bool:
        if isinstance(function, ast.Name):
            return function.id in PLAIN_BUILTINS or function.id in self.numpy_names
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name):
            return root.id in self.numpy_names
        return isinstance(root, ast.Call | ast.Constant | ast.List)  # np.arange(6).reshape(2, 3)


def numpy_names(tree: ast.AST) -> set[str]:
    """Names that imports bind to NumPy, its modules or its functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            numpy = [alias for alias in node.names if alias.name.partition(".")[0] == "numpy"]
            found |= {alias.asname or "numpy" for alias in numpy}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "numpy":
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def _is_name(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_name(item) for item in target.elts)
    return isinstance(target.value if isinstance(target, ast.Starred) else target, ast.Name)


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _future_flags(statement: ast.stmt) -> int:
    names = [alias.name for alias in getattr(statement, "names", [])]
    return sum(getattr(__future__, name).compiler_flag for name in names if name in __future__.all_feature_names)
