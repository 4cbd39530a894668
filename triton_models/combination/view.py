"""Rows of figures as a table, in the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from triton_models.evaluation.report_text import NAMES, table

Rows = Mapping[str, Mapping[str, float | None]]
WIDE = 200  # characters, where it is not a terminal that holds fewer
DIGITS = {"MB": 2, "ms x 1": 2, "ms x 32": 1}  # of a column; 4 of the others


def show(title: str, rows: Rows) -> None:
    """Print the rows; the first column is their names."""
    drawn = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    drawn.add_column("", overflow="fold")
    for name in columns(rows):
        width = max(len(head(name)), *(len(cell(name, row.get(name))) for row in rows.values()))
        drawn.add_column(head(name), justify="right", min_width=width)
    for label, row in rows.items():
        drawn.add_row(label, *cells(row, rows))
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(drawn)


def markdown(title: str, rows: Rows) -> str:
    body = [(label, *cells(row, rows)) for label, row in rows.items()]
    return f"# {title}\n\n{table(('', *map(head, columns(rows))), body)}\n"


def columns(rows: Rows) -> list[str]:
    """The names of the figures, in the order in which they come first."""
    return list(dict.fromkeys(name for row in rows.values() for name in row))


def head(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def cells(row: Mapping[str, float | None], rows: Rows) -> list[str]:
    return [cell(name, row.get(name)) for name in columns(rows)]


def cell(name: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.{DIGITS.get(name, 4)}f}"


def short(folders: Sequence[Path]) -> list[str]:
    """Names for a table: the folders' own, or their paths where those do not tell them apart."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]
