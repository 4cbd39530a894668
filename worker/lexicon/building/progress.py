"""A bar a step of a build on a terminal; elsewhere a line, when the step is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

STEP = 100  # between two drawings


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], object]]:
    """Takes how much more is done of a step; `total` is 0 where it is not known."""
    if not sys.stderr.isatty():
        counts, started = [], time.perf_counter()
        yield counts.append
        said = "" if total == 1 else f"{sum(counts):,} in "
        click.echo(f"{label}: {said}{time.perf_counter() - started:.1f} s", err=True)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as shown:
        task, waiting = shown.add_task(label, total=total or None), 0

        def done(count: int) -> None:
            nonlocal waiting
            waiting += count
            if waiting >= STEP:
                shown.advance(task, waiting)
                waiting = 0

        yield done
        shown.update(task, advance=waiting, total=total or None)
