"""The demo's live view in the terminal: addresses, rates, latencies, intents, newest events."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from worker import logs
from worker.app import App
from worker.commands.demo.observer import Interval, Observer, Shown
from worker.redact import redacted

PALETTE = ("green", "cyan", "yellow", "red", "magenta", "blue")
LEAVE_SCREEN = b"\x1b[?1049l\x1b[?25h"  # back to the main screen, show the cursor
IN_A_ROW = 3  # intents
BAR = 40
PANELS = 108  # columns that they take beside each other
PLAIN_EVERY = 8  # refreshes, if the output is no terminal


class View:
    """Draws the observer's data; without a terminal it prints a line every few seconds."""

    def __init__(self, app: App, observer: Observer) -> None:
        self._app, self._observer = app, observer
        self._console = Console(file=sys.stderr)
        self._live: Live | None = None
        self._rows: deque[Shown] = deque(maxlen=100)
        self._colors = dict(zip(app.intents, cycle(PALETTE), strict=False))
        self._turn = 0
        self._addresses_printed = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """On a terminal, show the view on the alternate screen; logs are written after it."""
        if not self._console.is_terminal:
            yield
            return
        live = Live(console=self._console, screen=True, auto_refresh=False)
        try:
            with logs.buffered(), live as self._live:
                yield
        finally:
            self._live = None

    def restore_terminal(self) -> None:
        """Restore the terminal at any moment: the process is about to end."""
        if self._live:
            with suppress(OSError):
                os.write(sys.stderr.fileno(), LEAVE_SCREEN)

    def refresh(self) -> None:
        """Draw again, with at most one new event, so that the list can be read."""
        self._turn += 1
        self._add_newest()
        if self._live:
            self._live.update(self._draw(), refresh=True)
        elif not self._addresses_printed and self._app.http.url:
            self._console.print(self._addresses(), soft_wrap=True)
            self._addresses_printed = True
        elif self._turn % PLAIN_EVERY == 0:
            self._console.print(self._line(), soft_wrap=True)

    def _add_newest(self) -> None:
        """Show the newest event that is not on the screen yet, if there is one."""
        shown = {row.query for row in list(self._rows)[: self._console.height]}
        newest = list(self._observer.newest)
        self._observer.newest.clear()
        self._rows.extendleft([event for event in newest if event.query not in shown][-1:])

    def _line(self) -> str:
        interval, totals = self._observer.recent(), self._app.runner.totals
        return (
            f"{totals.published + totals.dead_lettered:,} events, {interval.rate:,.0f}/s,"
            f" p50 {_ms(interval, 0.5)} ms, p99 {_ms(interval, 0.99)} ms,"
            f" {interval.hit_ratio:.0%} cached, {totals.dead_lettered:,} dead-lettered"
        )

    def _draw(self) -> Group:
        head = [self._addresses(), self._figures(self._observer.recent())]
        used = sum(len(self._console.render_lines(part, pad=False)) for part in head)
        return Group(*head, self._newest(max(self._console.height - used - 4, 1)))

    def _addresses(self) -> Text:
        settings = self._app.settings
        kafka, inference = settings.kafka, settings.inference
        in_process = inference.backend == "onnx"
        models = "models    in this process" if in_process else f"Triton    {inference.url} (gRPC)"
        topics = f"{kafka.input_topic} → {kafka.output_topic}, {kafka.dead_letter_topic}"
        lines = [
            Text.assemble(("query-worker demo", "bold"), "   Ctrl-C stops"),
            Text.assemble("Kafka     ", (kafka.bootstrap_servers, "bold")),
            Text.assemble("topics    ", (topics, "cyan")),
            Text.assemble(models, ("   unavailable" if self._app.models_away else "", "bold red")),
            Text.assemble("metrics   ", (f"{self._app.http.url}/metrics", "bold")),
        ]
        return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)

    def _figures(self, interval: Interval) -> Columns | Text:
        if self._console.width < PANELS:
            return Text.assemble(
                self._line(), "\n", self._intents(interval.shares("intents_total"))
            )
        totals = self._app.runner.totals
        stream = {
            "events/s": f"{interval.rate:,.0f}",
            "published": f"{totals.published:,}",
            "dead-lettered": f"{totals.dead_lettered:,}",
        }
        latency = {
            "p50 / p95": f"{_ms(interval, 0.5)} / {_ms(interval, 0.95)} ms",
            "p99": f"{_ms(interval, 0.99)} ms",
            "from cache": f"{interval.hit_ratio:.0%}",
        }
        panels = [
            Panel(_grid(stream), title="stream", width=26),
            Panel(_grid(latency), title="latency, last 5 s", width=31),
            Panel(self._intents(interval.shares("intents_total")), title="intents", width=47),
        ]
        return Columns(panels, padding=(0, 1))

    def _intents(self, shares: dict[str, float]) -> Text:
        """The share of each label, then all as one bar."""
        text, bar = Text(), Text()
        for number, (label, color) in enumerate(self._colors.items(), 1):
            share = shares.get(label, 0.0)
            text.append(f"{label[:9]:<9}", color).append(f"{share:>4.0%}")
            text.append("  " if number % IN_A_ROW else "\n")
            bar.append("█" * round(BAR * share), color)
        return Text("\n").join([Text(text.plain.rstrip(), spans=text.spans), bar])

    def _newest(self, rows: int) -> Table:
        table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, show_edge=False)
        for name, ratio in (("query", 5), ("intent", 3), ("expansions", 5), ("category", 4)):
            table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for event in list(self._rows)[:rows]:
            table.add_row(*self._row(event))
        return table

    def _row(self, event: Shown) -> tuple[Text, ...]:
        query = Text(redacted(event.query))
        if event.rejected:
            reason = Text(f"dead letter: {event.rejected}", "red")
            return query, Text("rejected", "bold red"), reason
        color = self._colors.get(event.intent, "")
        sure = f" {event.confidence:.2f}" if event.confidence else ""
        shown = Text(event.intent + sure, color)
        expansions = Text(event.expansions) if event.expansions else Text("–", "dim")
        return query, shown, expansions, Text(event.category, "dim")


def _ms(interval: Interval, quantile: float) -> str:
    """Two digits: more would be places inside a bucket of the histogram."""
    return f"{float(f'{interval.latency_ms(quantile):.2g}'):,g}"


def _grid(figures: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column()
    grid.add_column(justify="right", style="bold")
    for row in figures.items():
        grid.add_row(*row)
    return grid
