"""How the experiments print: plain tables of 80 columns."""

from rich.console import Console
from rich.table import Table

WIDTH = 80
"""Columns of the output."""

NO_FIGURE = "none: matplotlib is missing. pip install -r experiments/requirements.txt"
"""Said in place of where a figure is."""


def new_table(title: str, *columns: str) -> Table:
    """A plain table with numbers on the right."""
    table = Table(title=title, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def show(console: Console, table: Table) -> None:
    """A table under its title, which may be wider."""
    console.print(table.title, style="bold", markup=False)
    table.title = None
    console.print(table)
