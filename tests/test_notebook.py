"""The notebook runs from top to bottom, and says what is stored in it."""

import base64
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

nbformat = pytest.importorskip("nbformat", reason="needs tests/requirements.txt")
pytest.importorskip("nbclient", reason="needs tests/requirements.txt")
pytest.importorskip("matplotlib", reason="needs tests/requirements.txt")

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
STORED = nbformat.read(NOTEBOOKS / "backpropagation.ipynb", as_version=4)
PROSE = [cell.source for cell in STORED.cells if cell.cell_type == "markdown"]
CODE = [cell for cell in STORED.cells if cell.cell_type == "code"]
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
ROUNDING = 1e-12


@pytest.fixture
def notebooks(monkeypatch):
    """The notebook's own modules can be imported."""
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    yield
    for name in ("figures", "lecture", "run", "show"):
        sys.modules.pop(name, None)


def texts(cell):
    """What a cell says in words."""
    return [output.data["text/markdown"] for output in cell.outputs if "text/markdown" in output.get("data", {})]


def pictures(cell):
    """What a cell draws."""
    drawn = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(png))) for png in drawn]


def same_words(stored, now):
    return NUMBER.sub("#", stored) == NUMBER.sub("#", now)


def same_number(stored, now):
    """Whether two numbers, as printed, are equal to one per cent or a unit in the last place; or both are rounding."""
    s, n = float(stored.replace(",", "")), float(now.replace(",", ""))
    if abs(s) < 1e-9 and s != 0:
        return abs(n) <= ROUNDING
    digits, _, exponent = stored.partition("e")
    last_place = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    return abs(s - n) <= max(0.01 * max(abs(s), abs(n)), 1.01 * last_place if "." in stored else 0)


def say_the_same(stored, now):
    """Whether two texts have the same words and, as far as that can be, the same numbers."""
    numbers = zip(NUMBER.findall(stored), NUMBER.findall(now), strict=False)
    return same_words(stored, now) and all(same_number(*pair) for pair in numbers)


def test_comparing_texts_sees_other_words_and_other_numbers():
    assert say_the_same("error 2.1e-16 at step 1,875", "error 3.9e-16 at step 1,876")
    assert say_the_same("agreement 0.04", "agreement 0.05")
    assert not say_the_same("agreement 0.04", "agreement 0.06")
    assert not say_the_same("error 2.1e-16", "error 2.1e-11")
    assert not say_the_same("the cost is 0.340", "the cost is 0.345")
    assert not say_the_same("the cost is 0.34", "the accuracy is 0.34")


def test_it_runs_and_says_what_is_stored(notebooks):
    import run

    now = [cell for cell in run.executed().cells if cell.cell_type == "code"]
    for stored, fresh in zip(CODE, now, strict=True):
        varies = "varies" in stored.metadata.get("tags", [])  # versions, and what depends on the machine's speed
        same = same_words if varies else say_the_same
        assert len(texts(stored)) == len(texts(fresh)), stored.source
        assert [picture.size for picture in pictures(stored)] == [picture.size for picture in pictures(fresh)]
        for before, after in zip(texts(stored), texts(fresh), strict=True):
            assert same(before, after), f"stored:\n{before}\n\nnow:\n{after}"


def test_a_cell_that_fails_is_an_error(notebooks, tmp_path):
    import run

    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(sys.modules["nbclient"].exceptions.CellExecutionError, match="ZeroDivisionError"):
        run.executed(tmp_path / "broken.ipynb")


def test_stored_outputs_are_those_of_one_run_from_top_to_bottom():
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert {output.output_type for cell in CODE for output in cell.outputs} <= {"display_data", "execute_result"}
    silent = [cell.source for cell in CODE if not cell.outputs]
    assert len(silent) == 1, silent  # the chain in Keras, whose gradients the next cells show


def test_stored_pictures_have_ink():
    drawn = [picture for cell in CODE for picture in pictures(cell)]
    assert len(drawn) > 20
    assert all(min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 5 for picture in drawn)


def test_no_measured_number_stands_in_the_prose():
    for text in PROSE:
        without_code = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", text)
        assert re.findall(r"\d\.\d|\d ?%", without_code) == []


def test_links_lead_to_anchors_and_files():
    everything = "\n".join([*PROSE, *(text for cell in CODE for text in texts(cell))])
    anchors = set(re.findall(r'<a id="([\w-]+)">', everything))
    targets = set(re.findall(r"\]\(([^)]+)\)", everything))
    assert {target[1:] for target in targets if target.startswith("#")} == anchors
    assert all((NOTEBOOKS / target).exists() for target in targets if not target.startswith("#"))


# --- the last table ---------------------------------------------------------------------------------------------


def test_the_last_table_has_every_row_and_no_claim_that_failed(notebooks):
    from lecture import LECTURE

    [stored] = texts(CODE[-1])
    lines = stored.splitlines()[2:]
    assert len(lines) == len(LECTURE) > 50
    for line, row in zip(lines, LECTURE, strict=True):
        assert (row if isinstance(row, str) else row[0]) in line
    assert "does not hold" not in stored
    assert stored.count("**misprint**") == 4


def test_the_table_says_what_the_cells_noted(notebooks, monkeypatch):
    import show

    shown = []
    monkeypatch.setattr(show, "display", lambda markdown: shown.append(markdown.data))
    rows = ["Part", ("rain is wet", "1 ball", "wet"), ("hail is warm", "2", {"warm": "rather"}), ("wind", "3", "done")]
    show.Claims(wet=True, warm=True).show(rows)
    show.Claims(wet=False, warm="a **misprint**").show(rows)
    assert [table.splitlines()[2:] for table in shown] == [
        [
            "| **Part** |  |  |",
            "| rain is wet | [1](#s1), [ball](#ball) | holds |",
            "| hail is warm | [2](#s2) | rather |",
            "| wind | [3](#s3) | done |",
        ],
        [
            "| **Part** |  |  |",
            "| rain is wet | [1](#s1), [ball](#ball) | **does not hold** |",
            "| hail is warm | [2](#s2) | a **misprint** |",
            "| wind | [3](#s3) | done |",
        ],
    ]
    with pytest.raises(ValueError, match="no row tells what became of cold"):
        show.Claims(wet=True, warm=True, cold=True).show(rows)
    with pytest.raises(ValueError, match="nothing was noted of the claim 'warm'"):
        show.Claims(wet=True).show(rows)


def test_verdicts_tell_right_formulas_from_misprints_and_errors(notebooks):
    from show import same, verdicts

    assert verdicts(
        [
            ("right", 2.0, None, 2.0, 2.0, 2.0),
            ("misprinted", 3.0, 2.0, 2.0, 2.0, None),
            ("module wrong", 2.0, None, 3.0, 2.0, None),
            ("correction wrong", 3.0, 4.0, 2.0, 2.0, None),
        ]
    ) == {
        "right": True,
        "misprinted": "**misprint**: a(L-1)",
        "module wrong": False,
        "correction wrong": False,
    }
    assert same(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-13]))
    assert not same(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]))
