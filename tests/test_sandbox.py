"""The sandbox as its users see it: values, verdicts, places, notebooks, sessions side by side; and its own failures."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grading.confined import confine
from grading.sandbox import (
    Failure,
    Function,
    GraderFault,
    Limits,
    Other,
    Returned,
    Sandbox,
    SandboxUnavailable,
    Source,
    SourceError,
    StandIns,
    Verdict,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
LIMITS = Limits(cpu_seconds=1, wall_seconds=30, memory_bytes=512 << 20, output_bytes=1 << 20)
ALLOWED = ("numpy", "math")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def module(text):
    return Source("alice.py", text.encode())


def notebook(*cells):
    document = {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4}
    return Source("alice.ipynb", json.dumps(document).encode(), notebook=True)


def answer(sandbox, source, name="f", arguments=(), **limits):
    """The one answer to a call of a submission."""
    source = module(source) if isinstance(source, str) else source
    with sandbox.session(source, ALLOWED, replace(LIMITS, **limits)) as session:
        return session.call(Function(name), [arguments])[0]


# --- values -----------------------------------------------------------------------------------------------------


def test_values_go_there_and_back(sandbox):
    value = (np.arange(6.0).reshape(2, 3), [np.float32([1]), 2, True, None], (0.5,))
    returned = answer(sandbox, "def f(x): return x", arguments=[value])
    assert isinstance(returned, Returned)
    assert returned.value[1:] == ([np.float32([1]), 2, True, None], (0.5,))
    np.testing.assert_array_equal(returned.value[0], value[0])
    assert returned.changed_arguments == ()
    assert not returned.changed_later


def test_a_numpy_scalar_comes_as_an_array(sandbox):
    value = answer(sandbox, "import numpy as np\ndef f(): return np.float64(2)").value
    assert (type(value), value.shape) == (np.ndarray, ())


def test_an_object_comes_as_its_name(sandbox):
    assert answer(sandbox, "def f(): return {'dW': 1}").value == Other("dict")


def test_each_call_has_fresh_arguments_and_changes_are_told(sandbox):
    source = "def f(x, y, z):\n    y += 1\n    z.append(2)\n    return y"
    arguments = (np.zeros(2), np.zeros(2), [1])
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        answers = session.call(Function("f"), [arguments, arguments])
    assert [each.value.tolist() for each in answers] == [[1, 1], [1, 1]]
    assert [each.changed_arguments for each in answers] == [(1, 2), (1, 2)]
    assert arguments[1].tolist() == [0, 0]


def test_a_result_that_later_calls_change_is_told(sandbox):
    source = "import numpy as np\nout = np.zeros(2)\ndef f(x):\n    out[:] = x\n    return out if x < 3 else out.copy()"
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        answers = session.call(Function("f"), [(1.0,), (2.0,), (3.0,)])
    assert [each.changed_later for each in answers] == [True, True, False]
    assert [each.value.tolist() for each in answers] == [[1, 1], [2, 2], [3, 3]]


def test_methods_have_a_new_instance_each(sandbox):
    source = """
class Network:
    def __init__(self, sizes):
        self.sizes = sizes
        self.calls = 0
    def backprop(self, x):
        self.calls += 1
        return self.calls, self.sizes, self.weights[0] * x
"""
    function = Function("Network.backprop", ([2, 3],), {"weights": [np.ones(2)]})
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        assert session.defined == ("Network", "Network.__init__", "Network.backprop")
        first, second = session.call(function, [(2.0,), (3.0,)])
        [missing] = session.call(Function("Network.backporp", ([2, 3],)), [(1.0,)])
        [failed] = session.call(Function("Network.backprop"), [(1.0,)])
    assert first.value[:2] == second.value[:2] == (1, [2, 3])
    assert second.value[2].tolist() == [3, 3]
    assert missing.verdict is Verdict.MISSING
    assert "backprop?" in missing.message
    assert failed.verdict is Verdict.EXCEPTION
    assert "TypeError" in failed.message


def test_large_values_pass_while_much_is_printed(sandbox):
    big = np.arange(1_000_000.0)
    source = "def f(x):\n    print('x' * 300_000)\n    return x"
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        answers = session.call(Function("f"), [(big,)] * 3)
    assert all(np.array_equal(each.value, big) for each in answers)


def test_an_argument_that_cannot_be_sent_is_the_callers_mistake(sandbox):
    with sandbox.session(module("def f(x): return x"), ALLOWED, LIMITS) as session:
        with pytest.raises(ValueError, match="complex"):
            session.call(Function("f"), [(1j,)])
        assert session.call(Function("f"), [(1,)]) == [Returned(1)]
        assert session.call(Function("f"), []) == []


# --- failures ---------------------------------------------------------------------------------------------------


def test_an_exception_stops_its_call_only_and_is_placed(sandbox):
    source = "import numpy as np\n\ndef f(x):\n    print('before')\n    return g(x)\n\n"
    source += "def g(x):\n    return np.linalg.inv(x)"
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        bad, good = session.call(Function("f"), [(np.zeros((2, 2)),), (np.eye(2),)])
        assert session.failure is None
    assert (bad.verdict, bad.where) == (Verdict.EXCEPTION, "line 8")
    assert bad.message == "f raised LinAlgError: Singular matrix"
    assert bad.printed.startswith("before\n")
    assert "line 5, in f\n    return g(x)\n" in bad.trace
    assert "numpy" not in bad.trace.replace("np.linalg", "")  # no frames but the student's
    assert good.value.tolist() == [[1, 0], [0, 1]]


def test_a_death_answers_all_calls_that_were_not(sandbox):
    source = "import math\ncalls = []\ndef f(x):\n    calls.append(x)\n    while len(calls) == 3: pass\n    return x"
    with sandbox.session(module(source), ALLOWED, LIMITS) as session:
        answers = session.call(Function("f"), [(n,) for n in range(5)])
        again = session.call(Function("f"), [(9,)])
    assert [type(each) for each in answers] == [Returned] * 2 + [Failure] * 3
    assert {each.verdict for each in answers[2:] + again} == {Verdict.CPU}
    assert session.failure == again[0]


@pytest.mark.parametrize(
    ("source", "verdict", "where", "words"),
    [
        ("def f(:\n", Verdict.SYNTAX, "line 1", "invalid syntax"),
        (
            "\n\nimport os\ndef f(): os.getcwd()",
            Verdict.FORBIDDEN_IMPORT,
            "line 4",
            "the module os may not be imported",
        ),
        ("from os import *\ndef f(): pass\n", Verdict.FORBIDDEN_IMPORT, "line 1", "the module os may not be imported"),
        ("def g(): pass\n1 / 0\ndef f(): pass\n", Verdict.EXCEPTION, "line 2", "ZeroDivisionError"),
        ("def f():\n    from os import path\n", Verdict.FORBIDDEN_IMPORT, "line 2", "the module os may not"),
        ("if __name__ == '__main__':\n    import os\n", Verdict.MISSING, "", "defines no f"),
        ("from . import x\ndef f(): x()", Verdict.FORBIDDEN_IMPORT, "line 2", "may not"),
        ("import numpy.nonsense\n", Verdict.EXCEPTION, "line 1", "ModuleNotFoundError"),
        ("f = 3\n", Verdict.MISSING, "", "f is a int"),
        ("def backwards(): pass\ndef ff(): pass\n", Verdict.MISSING, "", "did you mean ff?"),
        ("def f(): raise SystemExit(3)\n", Verdict.EXIT, "line 1", "ended Python"),
        ("def f(): return f()\n", Verdict.EXCEPTION, "line 1", "RecursionError"),
        ("def f(): return bytearray(1 << 40)\n", Verdict.MEMORY, "line 1", "ran out of memory"),
        ("def f(): return 'a'\n", Verdict.RESULT, "", "f returned a str"),
        ("def f(): return input()\n", Verdict.EXCEPTION, "line 1", "EOFError"),
        ("x" * (1 << 20) + "y", Verdict.TOO_LARGE, "", "1,048,577 bytes"),
    ],
)
def test_verdicts(sandbox, source, verdict, where, words):
    failure = answer(sandbox, source)
    assert (failure.verdict, failure.where) == (verdict, where)
    assert words in failure.message


def test_what_was_defined_before_an_exception_can_be_called(sandbox):
    source = module("def f(): return 1.0\nnp = 1 / 0\ndef g(): pass\n")
    with sandbox.session(source, ALLOWED, LIMITS) as session:
        assert session.failure is None
        assert session.remarks == (
            "line 2: loading it raised ZeroDivisionError: division by zero; what stands after it was not run",
        )
        assert session.call(Function("f"), [()])[0].value == 1.0
        assert session.call(Function("g"), [()])[0].verdict is Verdict.EXCEPTION


def test_a_forbidden_import_at_the_top_costs_nothing_where_it_is_not_used(sandbox):
    source = module("import torch\nfrom scipy import special\ndef f(): return 1.0\ndef g(): return special.expit(0)\n")
    with sandbox.session(source, ALLOWED, LIMITS) as session:
        assert len(session.remarks) == 2
        assert session.call(Function("f"), [()])[0].value == 1.0
        assert session.call(Function("g"), [()])[0].verdict is Verdict.FORBIDDEN_IMPORT


def test_stand_ins_take_the_place_of_functions_for_those_that_call_them(sandbox):
    source = module("def f(x): return x + 1\ndef g(x): return 2 * f(x)\n")
    stand_ins = StandIns("def right(x):\n    return x + 10.0\n", {"f": "right"})
    with sandbox.session(source, ALLOWED, LIMITS, stand_ins) as session:
        assert session.call(Function("g"), [(1.0,)])[0].value == 22.0
    with sandbox.session(source, ALLOWED, LIMITS) as session:
        assert session.call(Function("g"), [(1.0,)])[0].value == 4.0


def test_warnings_and_prints_are_kept(sandbox):
    source = "import numpy as np\ndef f(x):\n    y = np.exp(x)\n    print('y', y)\n    1 / 0\n"
    failure = answer(sandbox, source, arguments=[np.float64(1000)])
    assert "RuntimeWarning: overflow" in failure.printed
    assert "y inf" in failure.printed


def test_text_is_made_fit_to_be_shown(sandbox):
    source = "def f():\n    print('a\\x1b[31mb\\x07')\n    raise ValueError('c\\x1b]0;d\\x07e\\u202ef' + 'g' * 10_000)"
    failure = answer(sandbox, source)
    assert failure.printed.startswith("ab\n")
    assert "cef" in failure.message
    assert len(failure.message) <= 500


def test_much_output_leaves_the_end(sandbox):
    failure = answer(sandbox, "def f():\n    for n in range(30_000): print(n)\n    1 / 0\n")
    assert len(failure.printed) < 70_000
    assert "29999\n" in failure.printed
    assert not failure.printed.startswith("0\n")


# --- notebooks --------------------------------------------------------------------------------------------------


def test_a_notebook_is_loaded_and_places_are_cells(sandbox):
    source = notebook(
        "%matplotlib inline\nimport numpy as np\nimport matplotlib.pyplot as plt",
        "def f(x):\n    return 1 / x",
        "train(30)\nW = np.zeros((2, 2))",
        "bad = W[7]",
        "def g():\n    plt.plot()",
        "def h(:\n    pass",
    )
    with sandbox.session(source, ALLOWED, LIMITS) as session:
        [failed], [forbidden], [unread], [missing] = (
            session.call(Function(name), [arguments])
            for name, arguments in [("f", (0,)), ("g", ()), ("h", ()), ("k", ())]
        )
        assert session.call(Function("f"), [(2,)]) == [Returned(0.5)]
        assert session.failure is None
        assert session.defined == ("f", "g")
        assert session.remarks[0].startswith("cell 6, line 1 could not be read")
        assert session.remarks[1] == "cell 3: 1 statement was left out; only imports, definitions and constants run"
        assert session.remarks[2].startswith("cell 4, line 1 was left out: loading it raised IndexError")
    assert (failed.verdict, failed.where) == (Verdict.EXCEPTION, "cell 2, line 2")
    assert (forbidden.verdict, forbidden.where) == (Verdict.FORBIDDEN_IMPORT, "cell 5, line 2")
    assert "matplotlib.pyplot" in forbidden.message
    assert (unread.verdict, unread.where) == (Verdict.SYNTAX, "cell 6, line 1")
    assert missing.verdict is Verdict.SYNTAX  # it may have stood in the cell that could not be read


def test_a_definition_that_needs_a_forbidden_module_is_lost_to_it(sandbox):
    failure = answer(sandbox, notebook("import tensorflow as tf", "@tf.function\ndef f(): return 1"))
    assert (failure.verdict, failure.where) == (Verdict.FORBIDDEN_IMPORT, "cell 2, line 1")


def test_a_definition_that_is_there_is_not_lost_to_an_earlier_one(sandbox):
    assert answer(sandbox, notebook("f = [][1]", "def f(): return 1")) == Returned(1)


def test_what_is_no_notebook_is_said(sandbox):
    failure = answer(sandbox, Source("a.ipynb", b"{", notebook=True))
    assert (failure.verdict, failure.where) == (Verdict.SYNTAX, "")
    assert "JSON" in failure.message


def test_broken_bytes_through_the_real_thing(sandbox):
    rng = random.Random(6)
    whole = notebook("import numpy as np\ndef f(x):\n    return np.exp(x)", "%time\nclass A:\n    b = [1]").data
    for turn in range(30):
        data = bytearray(whole)
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        result = answer(sandbox, Source("a", bytes(data), notebook=turn % 3 > 0), arguments=[0.0])
        assert isinstance(result, Returned | Failure)


# --- side by side -----------------------------------------------------------------------------------------------


def test_nothing_is_left_for_the_next(sandbox):
    leaving = "import numpy as np\nnp.left = 1\nnp.random.seed(5)\nnp.exp = None\ndef f(): return 1"
    assert answer(sandbox, leaving) == Returned(1)
    looking = "import numpy as np\ndef f(): return hasattr(np, 'left'), float(np.exp(0)), float(np.random.rand())"
    first, second = answer(sandbox, looking), answer(sandbox, looking)
    assert first.value[:2] == (False, 1.0)
    assert first == second
    assert first.value[2] == np.random.RandomState(0).rand()  # the random state is the same for everybody


def test_sessions_side_by_side(sandbox):
    def grade(number):
        with sandbox.session(module(f"def f(x): return x + {number}"), ALLOWED, LIMITS) as session:
            return [each.value for each in session.call(Function("f"), [(n,) for n in range(5)])]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(grade, range(24))) == [[number + n for n in range(5)] for number in range(24)]


@pytest.mark.skipif(not confine.is_root(), reason="needs root")
def test_open_sessions_have_users_of_their_own(sandbox):
    source = module("import os\ndef f(): return os.getuid()")
    with sandbox.session(source, ["os"], LIMITS) as one, sandbox.session(source, ["os"], LIMITS) as two:
        users = {session.call(Function("f"), [()])[0].value for session in (one, two)}
    assert len(users) == 2
    assert 0 not in users


def test_a_closed_session_is_gone(sandbox):
    session = sandbox.session(module("import os\ndef f(): return os.getpid()"), ["os"], LIMITS)
    pid = session.call(Function("f"), [()])[0].value
    assert Path(f"/proc/{pid}").exists()
    session.close()
    session.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(GraderFault, match="closed"):
        session.call(Function("f"), [()])


# --- the sandbox itself -----------------------------------------------------------------------------------------


def test_this_process_is_undumpable_while_a_sandbox_is_open(sandbox):
    assert confine.prctl(confine.PR_GET_DUMPABLE) == 0
    with Sandbox():
        pass
    assert confine.prctl(confine.PR_GET_DUMPABLE) == 0
    code = (
        "from grading.confined import confine\nfrom grading.sandbox import Sandbox\n"
        "with Sandbox(): print(confine.prctl(3))\nprint(confine.prctl(3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "1"]


def test_the_death_of_the_server_is_the_grader_s_fault():
    with Sandbox() as opened:
        session = opened.session(module("def f():\n    while True: pass"), ALLOWED, LIMITS)
        threading.Timer(0.2, opened._launcher.process.kill).start()
        with pytest.raises(GraderFault):
            session.call(Function("f"), [()])
        with pytest.raises(GraderFault):
            session.close()
        with pytest.raises(GraderFault):
            opened.session(module(""), ALLOWED, LIMITS)


def test_children_die_with_the_server():
    with Sandbox() as opened:
        session = opened.session(module("import os\ndef f(): return os.getpid()"), ["os"], LIMITS)
        pid = session.call(Function("f"), [()])[0].value
        opened._launcher.process.kill()
        deadline = time.monotonic() + 5
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not alive(pid)
        with pytest.raises(GraderFault):
            session.close()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_everything_ends_when_the_grader_is_killed():
    code = """
import os, sys
from grading.sandbox import *
sandbox = Sandbox().__enter__()
session = sandbox.session(Source("a.py", b"import os\\ndef f(): return os.getpid()"), ["os"], Limits())
print(session.call(Function("f"), [()])[0].value, sandbox._launcher.process.pid, flush=True)
sys.stdin.read()
"""
    grader = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with grader:
        pids = [int(word) for word in grader.stdout.readline().split()]
        assert all(alive(pid) for pid in pids)
        grader.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(alive(pid) for pid in pids)


def test_a_sandbox_outlives_the_thread_that_opened_it():
    opened = Sandbox()
    thread = threading.Thread(target=opened.__enter__)
    thread.start()
    thread.join()
    time.sleep(0.05)  # what the end of a thread sets off has happened by then
    with opened.session(module("def f(): return 1"), ALLOWED, LIMITS) as session:
        assert session.call(Function("f"), [()]) == [Returned(1)]
    opened.close()


def test_a_sandbox_that_is_not_open_says_so():
    with pytest.raises(GraderFault, match="with"):
        Sandbox().session(module(""), ALLOWED, LIMITS)


@pytest.mark.parametrize("layer", ["seccomp", "landlock", "limits", "no new privileges"])
def test_a_missing_layer_is_refused_and_named(monkeypatch, layer):
    probe = Sandbox._probe
    monkeypatch.setattr(Sandbox, "_probe", lambda self: {**probe(self), layer: False})
    with pytest.raises(SandboxUnavailable, match=f"missing: {layer}.*--unsafe"), Sandbox():
        pass
    with Sandbox(unsafe=True) as opened:
        assert not opened.layers[layer]


def test_attacks_that_succeed_are_refused(monkeypatch):
    source = b"def double(x): return 2 * x\ndef read_file(): return 0\n"
    monkeypatch.setattr("grading.sandbox.SELF_TEST", source)
    with pytest.raises(SandboxUnavailable, match="protection against reading files"), Sandbox():
        pass
    monkeypatch.setattr("grading.sandbox.SELF_TEST", b"def double(x): return 3 * x\n")
    with pytest.raises(GraderFault, match="does not work"), Sandbox():
        pass


def test_a_process_that_is_less_confined_than_promised_runs_nothing(sandbox, monkeypatch):
    monkeypatch.setattr(sandbox, "layers", {**sandbox.layers, "a new layer": True})
    with pytest.raises(GraderFault):
        sandbox.session(module(""), ALLOWED, LIMITS)


def test_fresh_interpreters_need_a_word():
    with pytest.raises(SandboxUnavailable, match="fork-server"), Sandbox(_fresh=True):
        pass
    with Sandbox(unsafe=True, _fresh=True) as opened:
        assert not opened.layers["fork-server"]
        assert answer(opened, "def f(x): return 2 * x", arguments=[21]) == Returned(42)
        assert answer(opened, "def f(): 1 / 0").where == "line 1"


# --- sources ----------------------------------------------------------------------------------------------------


def test_sources_are_read(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x = 1")
    (tmp_path / "b.ipynb").write_bytes(b"{}")
    assert Source.read(tmp_path / "a.py") == Source("a.py", b"x = 1", notebook=False)
    assert Source.read(str(tmp_path / "b.ipynb")).notebook


def test_what_is_no_source_is_said(tmp_path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    for name, words in [
        ("no.py", "not found"),
        ("a.txt", "neither"),
        ("folder.py", "a folder"),
        ("pipe.py", "ordinary"),
    ]:
        with pytest.raises(SourceError, match=words):
            Source.read(tmp_path / name)
