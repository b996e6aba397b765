"""Run the notebook from top to bottom and store its outputs: `python notebooks/run.py`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("backpropagation.ipynb")
SECONDS = 600
"""For one cell; all of them together take one to two minutes."""


def executed(path: Path = NOTEBOOK) -> nbformat.NotebookNode:
    """The notebook with its outputs as they come now, and nothing in it that differs from run to run for no reason.

    Raises:
        nbclient.exceptions.CellExecutionError: where a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell began and ended
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def main() -> int:
    """Returns the exit status."""
    notebook = executed()
    partial = NOTEBOOK.with_suffix(".part")
    nbformat.write(notebook, partial)
    partial.replace(NOTEBOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
