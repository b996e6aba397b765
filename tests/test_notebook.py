"""The notebook runs from top to bottom, and says what is stored in it."""

import re
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs tests/requirements.txt")
pytest.importorskip("nbclient", reason="needs tests/requirements.txt")
pytest.importorskip("matplotlib", reason="needs tests/requirements.txt")

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
STORED = nbformat.read(NOTEBOOKS / "backpropagation.ipynb", as_version=4)
PROSE = [cell.source for cell in STORED.cells if cell.cell_type == "markdown"]
CODE = [cell for cell in STORED.cells if cell.cell_type == "code"]
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def texts(cell):
    """What a cell shows: its texts, and the names of what else."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        found.append(data.get("text/markdown") or output.get("text") or ", ".join(sorted(data)))
    return found


def numbers(text):
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def say_the_same(stored, now):
    """Whether two texts have the same words, and numbers within two per cent of each other, or as small as rounding."""
    return NUMBER.sub("#", stored) == NUMBER.sub("#", now) and all(
        abs(s - n) <= 0.02 * max(abs(s), abs(n)) + 1e-9 for s, n in zip(numbers(stored), numbers(now), strict=True)
    )


def test_comparing_texts_sees_other_words_and_other_numbers():
    assert say_the_same("error 2.1e-16 at step 1,875", "error 3.9e-16 at step 1,876")
    assert not say_the_same("the cost is 0.34", "the cost is 0.36")
    assert not say_the_same("the cost is 0.34", "the accuracy is 0.34")


def test_it_runs_and_says_what_is_stored(monkeypatch):
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    import run

    now = [cell for cell in run.executed().cells if cell.cell_type == "code"]
    for stored, fresh in zip(CODE, now, strict=True):
        assert len(texts(stored)) == len(texts(fresh)), stored.source
        if "varies" not in stored.metadata.get("tags", []):  # versions, and what depends on the machine's speed
            for before, after in zip(texts(stored), texts(fresh), strict=True):
                assert say_the_same(before, after), f"stored:\n{before}\n\nnow:\n{after}"


def test_a_cell_that_fails_is_an_error(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    import run

    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(sys.modules["nbclient"].exceptions.CellExecutionError, match="ZeroDivisionError"):
        run.executed(tmp_path / "broken.ipynb")


def test_stored_outputs_are_those_of_one_run_from_top_to_bottom():
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert all(output.output_type != "error" for cell in CODE for output in cell.outputs)
    assert sum(map(len, map(texts, CODE))) > len(CODE)  # most show something


def test_no_measured_number_stands_in_the_prose():
    for text in PROSE:
        without_code = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", text)
        assert re.findall(r"\d\.\d|\d ?%", without_code) == []


def test_links_lead_to_anchors_and_files():
    anchors = set(re.findall(r'<a id="([\w-]+)">', "\n".join(PROSE)))
    targets = set(re.findall(r"\]\(([^)]+)\)", "\n".join(PROSE)))
    assert {target[1:] for target in targets if target.startswith("#")} == anchors
    assert all((NOTEBOOKS / target).exists() for target in targets if not target.startswith("#"))


def test_the_last_table_leads_to_every_section():
    sections = re.findall(r'<a id="([\w-]+)"></a>\n## ', "\n".join(PROSE))
    assert sections[-1] == "where"
    assert set(sections[:-1]) - set(re.findall(r"\]\(#([\w-]+)\)", PROSE[-1])) == set()
