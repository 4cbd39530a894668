"""A bar a step of a build, on a terminal alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

STEP = 100  # between two drawings


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], object]]:
    """Takes how much more is done of a step; `total` is 0 where it is not known."""
    if not sys.stderr.isatty():
        yield lambda count: None
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
