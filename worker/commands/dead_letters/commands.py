"""The commands `dead-letters list`, `show` and `replay`."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import nlargest
from typing import Any

import click
import orjson

from worker.commands.dead_letters.letter import Filters, Letter, Position, ReplayRules, moment
from worker.commands.dead_letters.reader import Reader, find
from worker.commands.dead_letters.replay import Outcome, Replay
from worker.commands.dead_letters.view import details, in_full, letters, row, summary, table
from worker.commands.options import configured, piped
from worker.config.settings import Kafka, Settings
from worker.stream.clients import check_properties

SHOWN = 100  # rows of a table without --limit
REPLAYED = ""  # counted beside the reasons, none of which is empty


class Moment(click.ParamType):
    """An RFC 3339 time, or a duration before now; Unix milliseconds to the command."""

    name = "TIME"

    def convert(self, value: Any, param: Any, context: Any) -> int:
        try:
            return value if isinstance(value, int) else moment(value)
        except (ValueError, OverflowError):
            self.fail("write 90s, 30m, 2h or 7d, or 2026-01-31T10:00:00Z", param, context)


def _filtered(command: Callable) -> Callable:
    for option in (
        click.option("--partition", "partitions", multiple=True, type=click.IntRange(0)),
        click.option("--until", "until_ms", type=Moment(), help="Rejected before, e.g. 30m ago."),
        click.option("--since", "since_ms", type=Moment(), help="Rejected since, e.g. 2h ago."),
        click.option("--stage", "stages", multiple=True, help="Step that rejected it: decode."),
        click.option("--reason", "reasons", multiple=True, help="Why: invalid_json, foreign."),
    ):
        command = option(command)
    return command


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group("dead-letters", short_help="List, show and replay rejected records.")
def dead_letters() -> None:
    """List, show and replay rejected records."""


@dead_letters.command("list", short_help="List dead letters, the newest last.")
@_filtered
@click.option(
    "--limit", type=click.IntRange(1), help="List the newest N.  [default: 100; with --json all]"
)
@_as_json
@configured
@piped
def list_(limit: int | None, as_json: bool, settings: Settings, **filters: Any) -> None:
    """List dead letters, the newest last; of a query only its length and hash.

    Filters can be combined; --reason, --stage and --partition (of the source topic) can be
    repeated. TIME is RFC 3339 or an age: 90s, 30m, 2h, 7d. Without --limit, --json prints letters
    as they are read, each partition in its order.

    \b
    Example:
      query-worker dead-letters list --since 2h --reason invalid_json
    """
    chosen, counts, kafka = _filters(filters), Counter(), settings.kafka
    with _reader(settings.kafka) as reader:
        ranges = reader.ranges(chosen.since_ms)
        markers = reader.markers(ranges)

        def listed() -> Iterator[tuple[Letter, bool]]:
            for _, letter in reader.letters(ranges):
                if letter in chosen:
                    counts[letter.reason] += 1
                    counts[REPLAYED] += letter.position in markers
                    yield letter, letter.position in markers

        newest = listed()
        if limit is not None or not as_json:
            newest = nlargest(limit or SHOWN, newest, key=lambda item: item[0].age)[::-1]
        rows = (row(letter, replayed, kafka.input_topic) for letter, replayed in newest)
        if as_json:
            for item in rows:
                _print_json(item)
            return
    rows = list(rows)
    if rows:
        click.echo(table(rows))
    replayed, total = counts.pop(REPLAYED, 0), counts.total()
    hidden = f"; the newest {len(rows)} are shown" if len(rows) < total else ""
    details = f": {summary(counts)}; {replayed:,} replayed{hidden}" if total else ""
    click.echo(f"{letters(total)} in {kafka.dead_letter_topic}{details}")


@dead_letters.command(short_help="Show one dead letter in full.")
@click.argument("position")
@_as_json
@configured
@piped
def show(position: str, as_json: bool, settings: Settings) -> None:
    """Show one dead letter in full: reason, remedy, headers, key and value.

    POSITION is the topic-partition-offset of the dead letter or of the rejected record.

    \b
    Example:
      query-worker dead-letters show queries-0-1234
    """
    wanted = Position.parse(position)
    if wanted is None:
        raise click.BadParameter("write topic-partition-offset, as `list` shows it")
    with _reader(settings.kafka) as reader:
        found = find(reader, wanted)
    if as_json:
        topic = settings.kafka.input_topic
        item = details(found.record, found.letter, found.replayed, topic)
        _print_json(item | {"earlier": [str(letter.position) for letter in found.earlier]})
        return
    click.echo(in_full(found.record, found.letter, found.replayed))
    if found.earlier:
        positions = ", ".join(str(letter.position) for letter in found.earlier)
        click.echo(f"earlier letters of the same record: {positions}")


@dead_letters.command(short_help="Send dead letters back to the input topic.")
@_filtered
@click.option("--limit", type=click.IntRange(1), help="Send at most the newest N.")
@click.option(
    "--max-attempts",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Skip records rejected this many times or more.",
)
@click.option("--again", is_flag=True, help="Include what was replayed before.")
@click.option("--foreign", is_flag=True, help="Include what this worker did not reject.")
@click.option("--dry-run", is_flag=True, help="Only show what would be sent.")
@click.option("--yes", is_flag=True, help="Send without confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@configured
@piped
def replay(
    limit: int | None,
    max_attempts: int,
    again: bool,
    foreign: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    settings: Settings,
    **filters: Any,
) -> None:
    """Send dead letters back to the input topic, byte for byte, with key and headers.

    Nothing is sent twice without --again, even if a replay was killed or two run at once (the later
    one continues). What is rejected again is a new dead letter, with one attempt more.

    \b
    Example:
      query-worker dead-letters replay --reason model_unavailable --since 1d --dry-run
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("no terminal for the confirmation; add --yes or --dry-run")
    chosen, kafka = _filters(filters), settings.kafka
    with _reader(settings.kafka) as reader:
        rules = ReplayRules(kafka.input_topic, max_attempts, again, foreign)
        planned = Replay(kafka, reader, chosen, rules, limit)
        outcome = planned.plan(SHOWN)
        if dry_run and not as_json and outcome.shown:
            click.echo(table([row(item, False, kafka.input_topic) for item in outcome.shown]))
        elif not dry_run and outcome.planned and (yes or _confirmed(outcome, kafka.input_topic)):
            _send(planned, outcome)
    if as_json:
        _print_json(outcome.as_dict(dry_run))
    else:
        click.echo(outcome.as_text(dry_run, kafka.input_topic))
    if outcome.refused:
        sys.exit(1)


def _send(planned: Replay, outcome: Outcome) -> None:
    """Send what was planned; the first signal stops after a transaction, the second at once.

    An exception raised by a signal handler within a librdkafka call would be lost.
    """
    signals: list[int] = []

    def on_signal(number: int, _: Any) -> None:
        signals.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    planned.send(outcome, go_on=lambda: not signals)
    if signals:
        sent = outcome.replayed.total()
        click.echo(f"stopped after {sent:,}; run it again to send the rest", err=True)
        sys.exit(128 + signals[0])


def _confirmed(outcome: Outcome, topic: str) -> bool:
    count = outcome.planned.total()
    question = f"Send {letters(count)} to {topic} ({summary(outcome.planned)})?"
    return click.confirm(question, err=True)


def _filters(filters: dict[str, Any]) -> Filters:
    since, until = filters["since_ms"], filters["until_ms"]
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until")
    sets = {name: frozenset(filters[name]) for name in ("reasons", "stages", "partitions")}
    return Filters(**sets, since_ms=since, until_ms=until)


@contextmanager
def _reader(kafka: Kafka) -> Iterator[Reader]:
    check_properties(kafka)
    # Else Ctrl-C would wait for librdkafka's calls to time out; there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    reader = Reader(kafka)
    try:
        yield reader
    finally:
        reader.close()


def _print_json(item: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
