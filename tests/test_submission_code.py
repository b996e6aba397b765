"""From bytes to code: what of a notebook is kept, where lines are, and that bad bytes are a SubmissionError only."""

import json
import random

import pytest

from grading.confined.submission_code import SubmissionError, code_cells, read_submission


def notebook(*cells, **more):
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4, **more}
    ).encode()


def read(*cells, allowed=("numpy", "math")):
    return read_submission(notebook(*cells), True, "submission.py", allowed)


def names(*cells):
    """All that the kept statements define."""
    return [name for unit in read(*cells).units for name in unit.names]


def run(*cells):
    namespace = {"__name__": "submission"}
    for unit in read(*cells).units:
        exec(unit.code, namespace)
    return namespace


# --- modules ----------------------------------------------------------------------------------------------------


def test_a_module_is_kept_whole():
    found = read_submission(b"import math\nx = print\ndef f(): import os.path\n", False, "a.py", ("math", "os"))
    [unit] = found.units
    assert unit.code.co_filename == "a.py"
    assert not unit.optional
    assert set(unit.names) == {"math", "x", "f"}
    assert found.imports == {"math", "os.path"}


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (b"x = 1\ny = (\n", "line 2"),
        (b"return 1\n", "line 1"),
        (b"def f():\n\tx = 1\n        y = 2\n", "line 3"),
        (b"x = 1\0", ""),
        (b"\xff\xfex = 1", ""),
        (b"# coding: none-such\n", ""),
        (b"x = " + b"(" * 5_000 + b")" * 5_000, ""),
        (b"x = " + b"-" * 100_000 + b"1", ""),
        (b"x = 1" + b" + 1" * 100_000, ""),
    ],
)
def test_what_is_no_python_is_said_with_its_line(source, where):
    with pytest.raises(SubmissionError) as caught:
        read_submission(source, False, "a.py")
    assert where in caught.value.where
    assert caught.value.message


def test_a_byte_order_mark_and_a_declared_encoding_are_fine():
    assert read_submission(b"\xef\xbb\xbfx = 1\n", False, "a.py").units
    assert read_submission(b"# coding: latin-1\nx = '\xe9'\n", False, "a.py").units


# --- what of a notebook is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "import numpy as np",
        "from math import exp",
        "def f(): pass",
        "async def f(): pass",
        "class A: pass",
        "x = 1",
        "x: float = 0.1",
        "x, (y, *z) = 1, (2, 3)",
        "x = y = [1, 2]",
        "f = lambda z: train(z)",
        "x = np.zeros((3, 2))",
        "x = np.random.default_rng(0).normal(size=3)",
        "x = np.arange(6).reshape(2, 3).T",
        "x = ' '.join(['a'])",
        "x = [float(n) for n in range(len([1, 2]))]",
        "x = dict(zip([1], [2]))",
        "x = -W[0] @ b if a else {**c}",
        "if True:\n    x = 1\nelse:\n    def f(): pass",
        "try:\n    import cupy\nexcept ImportError:\n    cupy = None",
    ],
)
def test_definitions_and_constants_are_kept(statement):
    assert names("import numpy as np", statement)[1:]


@pytest.mark.parametrize(
    "statement",
    [
        "train(net)",
        "x = train(net)",
        "x = net.train(3)",
        "x = [train(n) for n in range(3)]",
        "x = open('file')",
        "x = eval('1')",
        "x = np.zeros(train())",
        "x += 1",
        "x[0] = 1",
        "net.x = 1",
        "for i in range(3): pass",
        "while True: pass",
        "with open('f') as f: pass",
        "if train(): x = 1",
        "if True:\n    x = train()",
        "if __name__ == '__main__':\n    x = 1",
        "try:\n    train()\nexcept Exception:\n    x = 1",
        "print(1)",
        "del np",
        "assert train()",
        "x = (y := 1)",
        "x = map(train, [1])",
    ],
)
def test_everything_else_is_left_out(statement):
    found = read("import numpy as np", statement)
    assert len(found.units) == 1
    assert found.remarks == ["cell 2: 1 statement was left out; only imports, definitions and constants run"]


def test_a_text_says_nothing_and_is_not_worth_a_remark():
    assert read("'a note'\nx = 1").remarks == []


def test_numpy_is_known_by_all_its_names():
    cell = "import numpy\nfrom numpy import zeros as z\nimport numpy.linalg as la\nimport math as m"
    assert names(cell, "a = numpy.ones(1)", "b = z(1)", "c = la.norm(b)", "d = m.sqrt(2)")[4:] == ["a", "b", "c"]


def test_later_definitions_override():
    assert run("def f(): return 1", "def f(): return 2")["f"]() == 2


def test_future_imports_hold_for_the_cells_below():
    assert run("from __future__ import annotations", "def f(x: NoSuchName): return 1")["f"](0) == 1


def test_lines_count_within_the_cell():
    found = read("x = 1", "\n\ndef f():\n    return 1 / 0\n")
    assert found.units[1].where == "cell 2, line 3"
    assert found.lines["cell 2"][3].strip() == "return 1 / 0"
    with pytest.raises(ZeroDivisionError) as caught:
        run("x = 1", "\n\ndef f():\n    return 1 / 0\n")["f"]()
    assert (caught.traceback[-1].frame.code.raw.co_filename, caught.traceback[-1].lineno + 1) == ("cell 2", 4)


# --- magics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "magic",
    ["%matplotlib inline", "!pip install x", "?f", "f?", "np.zeros??", "y = !ls", "y = %time f()", "!ls \\\n  -l"],
)
def test_magics_are_taken_out_and_lines_stay(magic):
    cell = f"x = 1\n{magic}\ndef f():\n    pass"
    unit = read(cell).units[-1]
    assert unit.names == ("f",)
    assert unit.where == f"cell 1, line {3 + magic.count(chr(10))}"


def test_a_magic_may_be_all_of_a_block():
    assert "f" in run("def f():\n    %time\n")


def test_what_only_looks_like_a_magic_stays():
    cell = 'x = (7\n     % 4)\ntext = """\n%d of\n!\n"""\n%matplotlib inline\n'
    namespace = run(cell)
    assert (namespace["x"], namespace["text"]) == (3, "\n%d of\n!\n")


@pytest.mark.parametrize("magic", ["%%time", "%%timeit", "%%capture out", "\n%%time"])
def test_cell_magics_that_only_watch_leave_their_cell(magic):
    assert names(f"{magic}\ndef f(): pass") == ["f"]


def test_other_cell_magics_take_their_cell_along():
    found = read("%%bash\nrm -r x", "%%writefile a.py\ndef f(): pass")
    assert found.units == []
    assert found.remarks == [
        "cell 1 was left out: it begins with %%bash",
        "cell 2 was left out: it begins with %%writefile",
    ]


# --- what cannot be read or imported ----------------------------------------------------------------------------


def test_a_cell_that_does_not_parse_is_a_remark_and_its_names_are_kept():
    found = read("def g(): pass", "def f(x):\n    return (x\n\nh = lambda: 1\n")
    assert [unit.names for unit in found.units] == [("g",)]
    assert found.remarks == ["cell 2, line 2 could not be read: '(' was never closed"]
    assert {"f", "h", ""} == set(found.unread)
    assert found.unread["f"].where == "cell 2, line 2"


def test_a_statement_that_does_not_compile_is_a_remark():
    found = read("def f():\n    nonlocal x\n", "def g(): pass")
    assert [unit.names for unit in found.units] == [("g",)]
    assert "cell 1, line 2 could not be read" in found.remarks[0]


def test_forbidden_imports_become_placeholders():
    found = read("import numpy as np, tensorflow.keras as k\nimport pandas\nfrom torch import nn as n\nfrom x import *")
    assert [unit.placeholders for unit in found.units] == [
        (("k", "tensorflow.keras"),),
        (("pandas", "pandas"),),
        (("n", "torch"),),
        (),
    ]
    assert found.imports == {"numpy", "x", "x.*"}


# --- formats ----------------------------------------------------------------------------------------------------


def test_cells_of_both_formats():
    four = {"cells": [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "source": ["a = 1\n", "b = 2"]}]}
    three = {"worksheets": [{"cells": [{"cell_type": "code", "input": "a = 1\nb = 2", "language": "python"}]}]}
    assert code_cells(json.dumps(four).encode()) == code_cells(json.dumps(three).encode()) == ["a = 1\nb = 2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1, 2]", "no notebook"),
        (b'{"a": 1}', "no notebook"),
        (b'{"cells": 7}', "no notebook"),
        (b'{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "written in R"),
        (b'{"cells": [], "metadata": {"language_info": {"name": "julia"}}}', "written in julia"),
    ],
)
def test_what_is_no_notebook(data, words):
    with pytest.raises(SubmissionError, match=words):
        read_submission(data, True, "submission.py")


def test_odd_cells_are_passed_over():
    odd = {"cells": [None, 7, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}}, {"source": "x = 1"}]}
    assert code_cells(json.dumps(odd).encode()) == ["", ""]


# --- fuzz -------------------------------------------------------------------------------------------------------

WHOLE = notebook(
    "%matplotlib inline\nimport numpy as np, pandas as pd\n",
    "%%time\ndef f(x):\n    return np.exp(-x) % 2\n",
    "try:\n    a = [1, 2]\nexcept ValueError:\n    a = None\nif a: b = lambda: 0\n",
    "class N:\n    x: int = 3\n    def g(self): return self.x\n!ls\nx = f(3)",
    metadata={"kernelspec": {"language": "python"}},
)


def test_fuzz_notebooks():
    """Changed bytes in the file, and changed characters in cells of a file that stays JSON."""
    rng = random.Random(4)
    cells = [cell["source"] for cell in json.loads(WHOLE)["cells"]]
    pieces = [
        "(",
        ")",
        "\n",
        "%",
        "!",
        "?",
        "    ",
        '"""',
        "\0",
        "\ud800",
        "\\",
        "lambda",
        ":",
        "=",
        "é",
        "\r",
        "\f",
        "f'{",
    ]
    read_ones = 0
    for turn in range(4_000):
        if turn % 4 == 0:
            data = bytearray(WHOLE)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            data = bytes(data)
        else:
            changed = list(cells)
            for _ in range(rng.randint(1, 4)):
                which = rng.randrange(len(changed))
                at = rng.randrange(len(changed[which]) + 1)
                changed[which] = changed[which][:at] + rng.choice(pieces) + changed[which][at + rng.randrange(4) :]
            data = notebook(*changed)
        try:
            read_ones += bool(read_submission(data, True, "submission.py", {"numpy"}).units)
        except SubmissionError:
            continue
    assert 2_500 < read_ones < 4_000


def test_fuzz_modules():
    rng, source = random.Random(5), b"import math\n\n\ndef f(x):\n    '''d'''\n    return {**x, 'a': [1, (2)]}\n"
    outcomes = set()
    for _ in range(2_000):
        data = bytearray(source)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            outcomes.add(type(read_submission(bytes(data), False, "a.py")))
        except SubmissionError as error:
            outcomes.add(type(error))
    assert len(outcomes) == 2
