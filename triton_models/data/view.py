"""The data report as tables, on a terminal and in Markdown: the same tables for both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triton_models.data import noticed
from triton_models.data.near import SIMILAR
from triton_models.data.report import SIDES, Report

BAR = 30  # characters of the longest bar
WIDEST = 60  # characters of a text in a table


@dataclass(frozen=True)
class Table:
    """A heading, a sentence below it, and rows; figures are right-aligned."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(report: Report) -> Iterator[Table]:
    """The report's tables; those of what the data has not are left out."""
    yield _sources(report)
    if report["labels"]:
        yield _labels(report)
        yield _crossed("Labels by source", "labels_by_source", "source", report)
        yield _crossed("Labels by style", "labels_by_style", "style", report)
    if report["languages"]:
        yield _lengths(report)
        yield _languages(report)
    if report["duplicates"]["rows"]:
        yield _duplicates(report)
    if report["labels"] or report["conflicts"]["forms"]:
        yield _conflicts(report)
    if report["pairs"]:
        yield _pairs(report)
    yield from _leaks(report)


def _sources(report: Report) -> Table:
    names = ("name", "format", "licence", "split", "weight", "train", "dev", "left_out")
    rows = [tuple(_shown(s[name]) for name in names) for s in report["sources"]]
    total = [_shown(sum(s[n] for s in report["sources"])) for n in ("train", "dev", "left_out")]
    rows.append(("all", "", "", "", "", *total))
    note = f"Data hash {report['sha256'][:16]}: of the manifest and every file."
    return Table("Sources and licences", note, (*names[:-1], "left out"), rows)


def _labels(report: Report) -> Table:
    rows = [(label, *_sides(row)) for label, row in report["labels"].items()]
    none = [label for label, row in report["labels"].items() if not row.get("dev")]
    note = f"Without a dev query: {', '.join(none)}." if none else "Every label is on the dev side."
    note = " ".join(filter(None, (note, noticed.case(report["labels"]))))
    return Table("Labels", note, ("label", *SIDES), rows)


def _crossed(title: str, name: str, down: str, report: Report) -> Table:
    """Labels across; blank cells are what the model never sees."""
    labels = list(report["labels"])
    known, found = report["told_by"], report[name]
    rows = [(key, *(_shown(row.get(x, 0) or "") for x in labels)) for key, row in found.items()]
    note = (
        f"Who knows only the {down} guesses {known[down]:.0%} of the labels,"
        f" who knows nothing {known['nothing']:.0%}."
    )
    if down == "source" and len(labels) > 1 and known[down] > 0.8:
        note += " The source nearly tells the label: a model may learn it instead of the meaning."
    return Table(title, note, (down, *labels), rows)


def _lengths(report: Report) -> Table:
    most = max(sum(row.values()) for row in report["lengths"].values())
    rows = [
        (words, *_sides(row), "█" * round(BAR * sum(row.values()) / max(most, 1)))
        for words, row in report["lengths"].items()
    ]
    note = "Different queries of each side, by number of words."
    return Table("Length of the queries", note, ("words", *SIDES, ""), rows)


def _languages(report: Report) -> Table:
    rows = [(code, *_sides(row)) for code, row in report["languages"].items()]
    note = "Different queries, by script and stop words; und: no word that tells."
    return Table("Languages", note, ("language", *SIDES), rows)


def _duplicates(report: Report) -> Table:
    found = report["duplicates"]
    note = (
        f"Of {found['rows']:,} queries {found['repeated']:,} repeat another's normal form;"
        " training sees each once a label."
    )
    rows = [(_cut(form), _shown(times)) for form, times in found["examples"]]
    return Table("Duplicates", note, ("query", "times"), rows)


def _conflicts(report: Report) -> Table:
    found = report["conflicts"]
    note = (
        f"Queries and pairs with more than one label: {found['forms']:,}. Mend them: training sees"
        " every one of a query, and the first of a pair."
    )
    rows = [
        (_cut(form), ", ".join(f"{label} ({place})" for label, place in labels.items()))
        for form, labels in found["examples"].items()
    ]
    return Table(
        "Label conflicts", note if rows else "None.", ("text", "labels, first place of each"), rows
    )


def _pairs(report: Report) -> Table:
    columns = tuple(next(iter(report["pairs"].values())))
    rows = [
        (name, *(_shown(row[c] or "") for c in columns)) for name, row in report["pairs"].items()
    ]
    note = "Judged, and made of click logs and catalogues. The last columns count pairs by grade."
    return Table("Graded pairs", note, ("source", *columns), rows)


def _leaks(report: Report) -> Iterator[Table]:
    if keys := report["leaks"]["keys"]:
        note = f"{keys:,}, which training may not see: `leaks` of the manifest says what is done."
        yield Table("Keys on both sides", note, (), [])
    for name in ("queries", "titles"):
        found = report["leaks"][name]
        if not found["dev"]:
            continue
        note = (
            f"Of {found['dev']:,} different dev {name} {found['exact']:,} are in training too,"
            f" {found['near']:,} more nearly so (3-gram Jaccard from {SIMILAR})."
        )
        rows = [
            (
                f"{e['similarity']:.2f}",
                f"{_cut(e['dev'])} ({e['dev_place']})",
                f"{_cut(e['train'])} ({e['train_place']})",
            )
            for e in found["examples"]
        ]
        yield Table(f"Leaks: {name}", note, ("similarity", "dev", "train"), rows)


def _sides(row: dict[str, int]) -> tuple[str, ...]:
    return tuple(_shown(row.get(name, 0)) for name in SIDES)


def _shown(value: object) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def markdown(report: Report) -> str:
    """The report as a Markdown page."""
    parts = [f"# Data of {report['manifest']}"]
    for table in tables(report):
        parts += [f"## {table.title}"] + ([table.note] if table.note else [])
        if table.rows:
            marks = ["--:" if right else "---" for right in _right(table)]
            lines = [table.columns, marks, *(map(_escaped, row) for row in table.rows)]
            parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")


def _right(table: Table) -> list[bool]:
    """Whether each column holds figures only."""
    columns = zip(*table.rows, strict=True)
    return [all(c == "" or c[0].isdigit() for c in column) and any(column) for column in columns]


def show(report: Report) -> None:
    """Print the report to the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    console = Console(highlight=False)
    for table in tables(report):
        console.print(Text(f"\n{table.title}", style="bold"))
        if table.note:
            console.print(Text(table.note, style="dim"))
        if not table.rows:
            continue
        drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, right in zip(table.columns, _right(table), strict=True):
            drawn.add_column(Text(name), justify="right" if right else "left")
        for row in table.rows:
            drawn.add_row(*map(Text, row))
        console.print(drawn)
