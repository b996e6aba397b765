"""The bug hunt: each bug is one line, loses points, is named, and gone when its line is mended; who gets which.

Every bug is graded with two seeds, in two processes with a sandbox each. With GRADING_SEEDS=20 in the environment
it is 20 seeds.
"""

import ast
import csv
import hashlib
import io
import itertools
import multiprocessing
import os
import subprocess
import sys
import tokenize
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import threadpoolctl

from grading.bug_hunt import bugs as bugs_module
from grading.bug_hunt.__main__ import main
from grading.bug_hunt.bugs import Bug, HuntError, program_text, read_bugs
from grading.bug_hunt.hunt import choose, plant, with_head
from grading.bug_hunt.students import file_names, read_students
from grading.sandbox import Sandbox
from tests.corpus import ASSIGNMENTS, graded, named

ROOT = Path(__file__).parents[1]
SEEDS = range(max(2, int(os.environ.get("GRADING_SEEDS", "2"))))
BUGS = read_bugs()
PROGRAMS = {bug.program: bug.assignment for bug in BUGS}
BACKPROP = [bug for bug in BUGS if bug.assignment == "backprop"]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox protects on Linux only")


def ident(bug):
    return f"{bug.program}-{bug.way}"


# --- every bug, graded ----------------------------------------------------------------------------------------------

_sandbox = None


def _open_sandbox():
    global _sandbox
    threadpoolctl.threadpool_limits(1)  # for small matrices a second thread only waits, on a core that is needed
    _sandbox = Sandbox().__enter__()


def _grade(text, assignment, seed):
    """In a process of the pool: whether all points were given, what was named, and what was remarked."""
    report = graded(_sandbox, text, assignment, seed)
    return report.correct, set().union(*map(named, report.findings)), list(report.remarks)


@pytest.fixture(scope="module")
def grade_in_pool(request):
    """Grades what the selected tests will ask for, two at a time."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn, initializer=_open_sandbox) as pool:
        started = {}
        for item in request.session.items:
            parameters = getattr(item, "callspec", None) and item.callspec.params
            if parameters and "grade_in_pool" in item.fixturenames:
                text, assignment = to_be_graded(**parameters)
                started |= {(text, seed): pool.submit(_grade, text, assignment, seed) for seed in SEEDS}
        yield lambda text: [started[text, seed].result(timeout=300) for seed in SEEDS]


def to_be_graded(bug=None, program=None):
    if bug is not None:
        return plant(bug).text, bug.assignment
    return with_head(program_text(program), PROGRAMS[program]), PROGRAMS[program]


@linux_only
@pytest.mark.parametrize("bug", BUGS, ids=ident)
def test_a_hunted_file_loses_points_and_its_mistake_is_named_and_no_other(grade_in_pool, bug):
    for correct, names, _ in grade_in_pool(plant(bug).text):
        assert not correct
        assert bug.mistake.name in names
        assert names <= {bug.mistake.name, *bug.also}


@linux_only
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_without_a_bug_has_all_points(grade_in_pool, program):
    for correct, names, remarks in grade_in_pool(to_be_graded(program=program)[0]):
        assert correct
        assert not names
        assert not remarks


@pytest.mark.parametrize("bug", BUGS, ids=ident)
def test_one_line_differs_and_the_file_is_the_right_program_when_it_is_put_back(bug):
    hunt = plant(bug)
    right, hunted = to_be_graded(program=bug.program)[0].split("\n"), hunt.text.split("\n")
    assert len(right) == len(hunted)
    different = [n for n, lines in enumerate(zip(right, hunted, strict=True), start=1) if lines[0] != lines[1]]
    assert different == [hunt.line_number]
    assert hunted[hunt.line_number - 1] == bug.wrong
    hunted[hunt.line_number - 1] = bug.right
    assert hunted == right  # which has all points, see above


@pytest.mark.parametrize("bug", BUGS, ids=ident)
def test_a_bug_is_python_and_no_comment_or_docstring_tells_of_it(bug):
    hunt = plant(bug)
    ast.parse(hunt.text)
    assert said(hunt.text) == said(to_be_graded(program=bug.program)[0])
    assert max(map(len, hunt.text.split("\n"))) <= 120
    assert bug.program not in hunt.text
    assert "-" not in bug.mistake.name or bug.mistake.name not in hunt.text  # those of one word may stand in any text


def said(text):
    """Comments and strings of a program, with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(t.start[0], t.string) for t in tokens if t.type in (tokenize.COMMENT, tokenize.STRING)]


# --- the collection ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignment", "programs", "bugs", "mistakes"),
    [("backprop", 4, 150, 75), ("softmax", 1, 35, 30), ("network-class", 1, 20, 20)],
)
def test_there_are_many_bugs_of_many_kinds(assignment, programs, bugs, mistakes):
    found = [bug for bug in BUGS if bug.assignment == assignment]
    assert len({bug.program for bug in found}) >= programs
    assert len(found) >= bugs
    assert len({bug.mistake.name for bug in found}) >= mistakes
    assert len({(bug.program, bug.right, bug.wrong) for bug in found}) == len(found)


def test_every_program_has_bugs_and_begins_as_a_docstring():
    files = {path.stem for path in (ROOT / "grading/bug_hunt/programs").iterdir() if path.suffix == ".py"}
    assert files == set(PROGRAMS)
    assert set(PROGRAMS.values()) == set(ASSIGNMENTS)
    for program in PROGRAMS:
        assert program_text(program).startswith('"""Backpropagation by hand') or program == "network_class"
        assert program_text(program).startswith('"""')


def test_the_head_says_what_to_do_and_with_which_assignment():
    for program, assignment in PROGRAMS.items():
        doc = ast.get_docstring(ast.parse(to_be_graded(program=program)[0]))
        assert doc.startswith("A bug hunt: one line of this file is wrong.")
        option = "" if assignment == "backprop" else f"--assignment assignments/{assignment} "
        assert f"python grade.py {option}THIS_FILE" in doc


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.replace("[matrix_products", "[matrix_product"), "Did you mean 'matrix_products'?"),
        (lambda t: t.replace('"softmax"', '"sofmax"'), "assignment is 'sofmax'"),
        (lambda t: t.replace("bugs.half-cost", "bugs.halve-cost", 1), "Did you mean 'half-cost'?"),
        (lambda t: t.replace("right = '    m = len(y)'", "right = '    m = len(x)'", 1), "right stands 0 times"),
        (lambda t: t.replace("wrong = '    m = 1'", "wrong = '    m = len(y)'", 1), "are the same line"),
        (lambda t: t.replace("wrong = '    m = 1'", 'wrong = "m = 1\\n"', 1), "should match pattern"),
        (lambda t: t.replace("wrong = '    m = 1'", "wrang = '    m = 1'", 1), "wrong: Field required"),
        (lambda t: t.replace("also = [", "alos = [", 1), "alos: Extra inputs are not permitted"),
        (lambda t: t + "[[", "cannot be read"),
        (lambda t: t.replace("bugs.batch-summed", "bugs.softmax-twice", 1), "mistake is 'softmax-twice'"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_with_its_key(tmp_path, change, sentence):
    text = (ROOT / "grading/bug_hunt/bugs.toml").read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    file = tmp_path / "bugs.toml"
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(HuntError) as caught:
        read_bugs(file)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message


# --- who gets which -------------------------------------------------------------------------------------------------


def names_of(number):
    return [f"student {n}" for n in range(number)]


def test_no_two_students_have_the_same_bug_while_there_are_enough():
    chosen = choose(BACKPROP, 5, names_of(len(BACKPROP)))
    assert Counter(chosen.values()) == Counter(BACKPROP)
    mistakes = {bug.mistake.name for bug in BACKPROP}
    fewer = choose(BACKPROP, 5, names_of(len(mistakes)))
    assert {bug.mistake.name for bug in fewer.values()} == mistakes


def test_with_more_students_than_bugs_all_are_used_equally_often():
    uses = Counter(choose(BACKPROP[:7], 5, names_of(17)).values())
    assert sorted(uses.values()) == [2, 2, 2, 2, 3, 3, 3]


def test_the_order_of_the_list_does_not_matter_and_the_seed_does():
    students = names_of(40)
    chosen = choose(BACKPROP, 5, students)
    assert list(chosen) == students
    assert choose(BACKPROP, 5, students[::-1]) == chosen
    other = choose(BACKPROP, 6, students)
    assert sum(other[name] != chosen[name] for name in students) > 30


def test_seeds_reach_all_bugs():
    pool = BACKPROP[:20]
    assert {choose(pool, seed)[""] for seed in range(300)} == set(pool)


def test_a_choice_is_the_smallest_hash_and_so_the_same_for_ever():
    """Worked by hand from what the module's docstring promises; the names are those of a table that never was."""
    pool = [Bug("backprop", "p", "sign", "a", "b"), Bug("backprop", "p", "half-cost", "a", "c")]
    for seed, student in itertools.product(range(8), ["", "Ada", "李"]):
        digests = {bug: hashlib.sha256(f"{seed}\n{student}\np\n{bug.way}".encode()).hexdigest() for bug in pool}
        assert choose(pool, seed, [student]) == {student: min(pool, key=digests.get)}


# --- the list of students -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "students"),
    [
        ("a.txt", b"Ada\nBob\n", ["Ada", "Bob"]),
        ("a.txt", b"\xef\xbb\xbfAda\r\n\r\n  Bob  \r\n", ["Ada", "Bob"]),
        ("a.txt", b"Lovelace, Ada\rByron, Anne\r", ["Lovelace, Ada", "Byron, Anne"]),
        ("a.txt", "Zoe\u0301\n李小龙\n".encode(), ["Zoé", "李小龙"]),
        ("a.csv", b"Name,Email\nAda L,ada@x.org\n", ["ada@x.org"]),
        ("a.csv", b'\xef\xbb\xbf"ID";"name"\r\n007;"Bond; James"\r\n;\r\n', ["007"]),
        ("a.txt", b"name\tpoints\nAda\t3\n", ["Ada"]),
        ("a.csv", b'x,name\n1,"Lovelace,\nAda"\n2,Bob\n', ["Lovelace, Ada", "Bob"]),
    ],
)
def test_a_list_is_read(tmp_path, name, data, students):
    (tmp_path / name).write_bytes(data)
    assert read_students(tmp_path / name) == students


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.txt", b"\n \n", "holds no student"),
        ("a.csv", b"id,name\n", "holds no student"),
        ("a.txt", b"Ada\nBob\n\nAda \n", "names more than once: Ada (lines 1, 4); expected each student once."),
        ("a.txt", "Zoé\nZoe\u0301\n".encode(), "Zoé (lines 1, 2)"),
        ("a.csv", b"id,name\n1,Ada\n,Bob\n", "line 3: nobody is named"),
        ("a.csv", b"points,name\n1,Ada\n2\n", "line 3: nobody is named"),
        (
            "a.csv",
            b"points,emial\n1,a@x\n",
            "column is 'emial'; expected one of: id, email, name. Did you mean 'email'?",
        ),
        ("a.csv", b'id,name\n1,"Ada\n', "line 2: this is not CSV"),
        ("a.txt", "Ada\n".encode("utf-16"), "is not text in UTF-8"),
        ("a.txt", b"A\x00da\n", "line 1: expected a name"),
        ("a.txt", b"A" * 300, "line 1: expected a name"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, name, data, sentence):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(HuntError) as caught:
        read_students(tmp_path / name)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_names_are_safe_and_differ_on_every_system():
    odd = ["../../etc/passwd", "..", ".", "/", "a/b", "a\\b", "a:b", "CON", "com1", "-rf", "~", "", "Straße", "STRASSE"]
    odd += ["x" * 300, "x" * 299, "李" * 90, "Ada", "ada", "ADA", "ada.py", "é", "É", "नमस्ते", "a\u202eb", "🐛", "🐞"]
    names = file_names(odd)
    assert len({name.casefold() for name in names.values()}) == len(odd)
    for name in names.values():
        assert Path(name).name == name
        assert name.endswith(".py")
        assert len(name.encode()) <= 120
        assert name[0].isalnum()
        assert not set(name) & set('/\\:*?"<>| \u202e')
    assert names["नमस्ते"] == "नमस्ते.py"
    assert file_names(["Ada Lovelace", "Ada L."]) == {"Ada Lovelace": "Ada_Lovelace.py", "Ada L.": "Ada_L.py"}
    assert not {"con.py", "com1.py"} & {name.casefold() for name in names.values()}
    assert file_names(odd[::-1]) == names


# --- the command ----------------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        status = stopped.code
    out, err = capsys.readouterr()
    return status, out, err


def key_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_one_file_its_key_and_its_solution(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "--seed", 3, "--key", "key.csv")
    assert (status, err) == (0, "")
    assert "Check     python grade.py bug_hunt.py" in out
    bug = choose(BACKPROP, 3)[""]
    assert Path("bug_hunt.py").read_bytes() == plant(bug).text.encode()
    [row] = key_of(Path("key.csv"))
    assert row["file"] == "bug_hunt.py"
    assert row["mistake"] == bug.mistake.name
    assert bug.wrong.strip() not in out
    assert not list(Path().glob(".*"))
    status, out, _ = run(capsys, "--seed", 3, "--solution")
    assert status == 0
    assert f"Line {row['line']} " in out
    for text in (bug.wrong.strip(), bug.right.strip(), bug.mistake.name):
        assert text in out
    assert sorted(path.name for path in Path().iterdir()) == ["bug_hunt.py", "key.csv"]


def test_a_class_gets_its_files_and_the_key_matches_them(tmp_path, capsys):
    students = ["Ada Lovelace", "李小龙", "../up", "=1+1", *names_of(30)]
    (tmp_path / "list.txt").write_text("\n".join(students), encoding="utf-8")
    options = ["--seed", 11, "--students", tmp_path / "list.txt", "--assignment", "softmax"]
    status, out, err = run(capsys, *options, "--output", tmp_path / "out", "--key", tmp_path / "key.csv")
    assert (status, err) == (0, "")
    assert "34 files" in out
    assert "no two the same" in out
    rows = key_of(tmp_path / "key.csv")
    assert [row["student"].removeprefix("'") for row in rows] == students
    assert [row["student"] for row in rows if row["student"].startswith("=")] == []
    assert {row["file"] for row in rows} == {path.name for path in (tmp_path / "out").iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.csv", "list.txt", "out"]
    softmax = with_head(program_text("softmax_and_cross_entropy"), "softmax").split("\n")
    for row in rows:
        lines = (tmp_path / "out" / row["file"]).read_text(encoding="utf-8").split("\n")
        place = int(row["line"]) - 1
        assert lines[place] == row["as written"]
        assert [*lines[:place], row["as it should be"], *lines[place + 1 :]] == softmax
    assert len({row["as written"] for row in rows}) == len(rows)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "list.txt").write_text("\n".join(reversed(students)), encoding="utf-8")
    assert run(capsys, *options, "--output", tmp_path / "again")[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


def test_more_students_than_bugs_are_told(tmp_path, capsys):
    (tmp_path / "list.txt").write_text("\n".join(names_of(60)), encoding="utf-8")
    options = ["--seed", 1, "--students", tmp_path / "list.txt", "--output", tmp_path / "out"]
    status, out, _ = run(capsys, *options, "--assignment", "network-class")
    pool = sum(bug.assignment == "network-class" for bug in BUGS)
    assert status == 0
    assert f"more students than the {pool} bugs there are: each bug is used 2 or 3 times" in out


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path, capsys):
    files = []
    for number, salt in enumerate("01"):
        files.append(tmp_path / f"{number}.py")
        done = subprocess.run(
            [sys.executable, "-m", "grading.bug_hunt", "--seed", "8", "--output", files[-1]],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert run(capsys, "--seed", 9, "--output", tmp_path / "other.py")[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes() != (tmp_path / "other.py").read_bytes()


@pytest.mark.parametrize(
    "given", ["network-class", "assignments/network-class", str(ROOT / "assignments/network-class")]
)
def test_an_assignment_is_named_or_given_as_its_folder(tmp_path, capsys, monkeypatch, given):
    monkeypatch.chdir(ROOT)
    status, out, _ = run(capsys, "--seed", 0, "--assignment", given, "--output", tmp_path / "a.py")
    assert status == 0
    assert "--assignment assignments/network-class" in out
    assert "class Network:" in (tmp_path / "a.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seed", "-1"], "--seed is -1; expected 0 or more"),
        (["--seed", "1", "--assignment", "sofmax"], "Did you mean 'softmax'?"),
        (["--seed", "1", "--output", "hunt.txt"], "expected a name that ends in .py"),
        (["--seed", "1", "--output", "there.py"], "there.py exists already; name another, or say --force"),
        (["--seed", "1", "--output", "nowhere/hunt.py"], "nowhere is not there"),
        (["--seed", "1", "--output", "."], ". is a folder"),
        (["--seed", "1", "--output", "x" * 300 + ".py"], "cannot be written: File name too long"),
        (["--seed", "1", "--key", "there.py"], "there.py exists already"),
        (["--seed", "1", "--key", "bug_hunt.py"], "the file that is handed out"),
        (["--seed", "1", "--students", "nobody.txt"], "nobody.txt was not found"),
        (["--seed", "1", "--students", "."], ". cannot be read: Is a directory"),
        (["--seed", "1", "--students", "list.txt", "--output", "there.py"], "there.py is no folder"),
        (["--seed", "1", "--students", "list.txt", "--output", "a/b"], "a is not there"),
        (["--seed", "1", "--students", "list.txt", "--key", "bug_hunt/key.csv"], "in the folder that is handed out"),
        (["--seed", "1", "--students", "list.txt", "--key", "list.txt", "--force"], "the list of students"),
        (["--seed", "1", "--solution", "--key", "key.csv"], "--solution only prints; leave out --key"),
        (["--seed", "1", "--solution", "--students", "list.txt"], "leave out --students"),
    ],
)
def test_bad_usage_ends_with_2_one_sentence_and_no_file(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    Path("there.py").write_text("mine")
    Path("list.txt").write_text("Ada\nBob\n")
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.startswith("bug_hunt: ")
    assert err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["list.txt", "there.py"]
    assert Path("there.py").read_text() == "mine"


def test_a_seed_must_be_said(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys)
    assert (status, out) == (2, "")
    assert "--seed INT" in err
    assert list(tmp_path.iterdir()) == []


def test_force_replaces(tmp_path, capsys):
    file = tmp_path / "there.py"
    file.write_text("mine")
    assert run(capsys, "--seed", 1, "--output", file, "--force")[0] == 0
    assert file.read_text(encoding="utf-8") == plant(choose(BACKPROP, 1)[""]).text


def test_where_one_file_cannot_be_written_none_is(tmp_path, capsys, monkeypatch):
    (tmp_path / "list.txt").write_text("Ada\nBob\nCy\n")
    write, written = Path.write_bytes, []

    def full_at_the_third(self, data):
        written.append(self)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_at_the_third)
    options = ["--students", tmp_path / "list.txt", "--output", tmp_path / "out", "--key", tmp_path / "key.csv"]
    status, _, err = run(capsys, "--seed", 1, *options)
    assert status == 2
    assert "cannot be written: No space left on device" in err
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "replace", interrupted)
    status, out, err = run(capsys, "--seed", 1)
    assert (status, out, err) == (130, "", "bug_hunt: interrupted.\n")
    assert list(tmp_path.iterdir()) == []


def test_the_reader_may_go_away():
    done = subprocess.run(
        f"{sys.executable} -m grading.bug_hunt --seed 1 --solution | head -c 1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("option", ["--solution", "--force"])
def test_where_nothing_can_be_printed_it_is_told_in_one_line(tmp_path, option):
    done = subprocess.run(
        f"{sys.executable} -m grading.bug_hunt --seed 1 {option} > /dev/full",
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("bug_hunt: the standard output")
    assert "No space left on device" in done.stderr


def test_the_solution_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for seed in range(30):
        _, out, _ = run(capsys, "--seed", seed, "--solution")
        assert max(map(len, out.splitlines())) <= 80


def test_grading_does_without_the_programs():
    """An instructor may hand out the project without them: no other module knows them."""
    program = "import sys, grade; print(any(name.startswith('grading.bug_hunt') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n"
    assert bugs_module.FOLDER.name == "bug_hunt"
