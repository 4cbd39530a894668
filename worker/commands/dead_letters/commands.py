"""The commands `dead-letters list`, `show` and `replay`."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from worker.commands.options import configured, load

if TYPE_CHECKING:  # the others are imported by who asks for dead letters
    from worker.commands.dead_letters.choice import Choice
    from worker.commands.dead_letters.letter import Letter
    from worker.commands.dead_letters.reader import Reader
    from worker.commands.dead_letters.sending import Outcome, Sending
    from worker.config.settings import Kafka

SHOWN = 100  # rows of a table, unless --limit says otherwise


class Moment(click.ParamType):
    """An RFC 3339 time, or a duration before now; Unix milliseconds to the command."""

    name = "TIME"

    def convert(self, value: Any, param: Any, context: Any) -> int:
        from worker.commands.dead_letters.choice import moment

        try:
            return value if isinstance(value, int) else moment(value)
        except (ValueError, OverflowError):
            self.fail("write 90s, 30m, 2h or 7d, or 2026-01-31T10:00:00Z", param, context)


def _piped(command: Callable) -> Callable:
    """Whoever reads our output may have seen enough of it."""

    @wraps(command)
    def piped(*arguments: Any, **named: Any) -> None:
        try:
            command(*arguments, **named)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return piped


def _filters(command: Callable) -> Callable:
    for option in (
        click.option("--partition", "partitions", multiple=True, type=click.IntRange(0)),
        click.option(
            "--until", "until_ms", type=Moment(), help="Rejected before: 30m ago, a time."
        ),
        click.option("--since", "since_ms", type=Moment(), help="Rejected since: 2h ago, a time."),
        click.option("--stage", "stages", multiple=True, help="The step that rejected it."),
        click.option("--reason", "reasons", multiple=True, help="E.g. invalid_json, or foreign."),
    ):
        command = option(command)
    return command


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group("dead-letters", short_help="See what was rejected and why; send it through again.")
def dead_letters() -> None:
    """See what was rejected and why; send it through again."""


@dead_letters.command("list", short_help="List dead letters, the newest last.")
@_filters
@click.option(
    "--limit", type=click.IntRange(1), help="The newest so many; default 100, with --json all."
)
@_as_json
@configured
@_piped
def list_(
    limit: int | None,
    as_json: bool,
    file: Path | None,
    assignments: tuple[str, ...],
    **filters: Any,
) -> None:
    """List dead letters, the newest last; of a query only length and hash.

    --partition is the source's. All filters can be given together, and several reasons, stages and
    partitions. Without --limit, --json prints each partition in its order, as it is read.

    \b
    Example:
      query-worker dead-letters list --since 2h --reason invalid_json
    """
    from worker.commands.dead_letters.choice import Newest
    from worker.commands.dead_letters.view import row, summary, table

    choice = _choice(filters)
    with _reader(file, assignments) as (kafka, reader):
        spans = reader.spans(choice.since_ms)
        marks = reader.marks(spans)
        counts, newest, replayed = Counter(), Newest(limit or SHOWN), 0
        for _, letter in reader.letters(spans):
            if letter not in choice:
                continue
            counts[letter.reason] += 1
            replayed += letter.place in marks
            if as_json and limit is None:
                _print_json(row(letter, letter.place in marks, kafka.input_topic))
            else:
                newest.add(letter)
    rows = [row(item, item.place in marks, kafka.input_topic) for item in newest.letters()]
    if as_json:
        for item in rows:
            _print_json(item)
        return
    if rows:
        table(rows)
    total = counts.total()
    hidden = f"; the newest {len(rows)} are shown" if len(rows) < total else ""
    told = f": {summary(counts)}; {replayed:,} replayed{hidden}" if total else ""
    click.echo(f"{total:,} dead letters in {kafka.dead_letter_topic}{told}")


@dead_letters.command(short_help="Show one dead letter in full.")
@click.argument("place")
@_as_json
@configured
@_piped
def show(place: str, as_json: bool, file: Path | None, assignments: tuple[str, ...]) -> None:
    """Show one dead letter in full: why, how to mend it, headers, key and value.

    PLACE is topic-partition-offset, of the dead letter or of the record that was rejected.

    \b
    Example:
      query-worker dead-letters show queries-0-1234
    """
    from worker.commands.dead_letters.find import find
    from worker.commands.dead_letters.letter import Place
    from worker.commands.dead_letters.view import details, in_full

    wanted = Place.parse(place)
    if wanted is None:
        raise click.BadParameter("write topic-partition-offset, as `list` shows it")
    with _reader(file, assignments) as (kafka, reader):
        found = find(reader, wanted)
    told = details(found.record, found.letter, found.replayed, kafka.input_topic)
    if as_json:
        _print_json(told | {"earlier": [str(letter.place) for letter in found.earlier]})
        return
    click.echo(in_full(found.record, found.letter, found.replayed))
    if found.earlier:
        places = ", ".join(str(letter.place) for letter in found.earlier)
        click.echo(f"earlier letters of the same record: {places}")


@dead_letters.command(short_help="Send dead letters back to the input topic.")
@_filters
@click.option("--limit", type=click.IntRange(1), help="The newest so many at most.")
@click.option(
    "--max-attempts",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Leave out what was rejected so often.",
)
@click.option("--again", is_flag=True, help="Also what was replayed before.")
@click.option("--foreign", is_flag=True, help="Also what this worker did not reject.")
@click.option("--dry-run", is_flag=True, help="Only show what would be sent.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@configured
@_piped
def replay(
    limit: int | None,
    max_attempts: int,
    again: bool,
    foreign: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
    assignments: tuple[str, ...],
    **filters: Any,
) -> None:
    """Send dead letters back to the input topic, byte for byte, with key and headers.

    Nothing is sent twice unless --again is given: not when a replay was killed, nor when two run at
    once (the later goes on). What is rejected again is a new dead letter, with one attempt more.

    \b
    Example:
      query-worker dead-letters replay --reason model_unavailable --since 1d --dry-run
    """
    from worker.commands.dead_letters.choice import Terms
    from worker.commands.dead_letters.sending import Sending

    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask; add --yes, or --dry-run")
    choice = _choice(filters)
    with _reader(file, assignments) as (kafka, reader):
        terms = Terms(kafka.input_topic, max_attempts, again, foreign)
        sending = Sending(kafka, reader, choice, terms, limit)
        outcome = sending.plan(SHOWN)
        if dry_run and not as_json:
            _print_plan(outcome.shown, kafka.input_topic)
        elif not dry_run and outcome.planned and (yes or _agreed(outcome, kafka.input_topic)):
            _send(sending, outcome)
    if as_json:
        _print_json(outcome.as_dict(dry_run))
    else:
        click.echo(outcome.as_text(dry_run, kafka.input_topic))
    if outcome.refused:
        sys.exit(1)


def _send(sending: Sending, outcome: Outcome) -> None:
    """Send what was planned; a first signal stops it between two transactions, a second at once.

    An exception that a signal raises in the midst of librdkafka's calls would be lost there.
    """
    signals: list[int] = []

    def on_signal(number: int, _: Any) -> None:
        signals.append(number)
        signal.signal(number, signal.SIG_DFL)

    def go_on() -> bool:
        if sys.stderr.isatty():
            told = f"\r{outcome.replayed.total():,} of {outcome.planned.total():,} sent "
            click.echo(told, nl=False, err=True)
        return not signals

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    sending.send(outcome, go_on)
    if sys.stderr.isatty():
        click.echo(err=True)
    if signals:
        told = f"stopped after {outcome.replayed.total():,}; started again, it sends the rest"
        click.echo(told, err=True)
        sys.exit(128 + signals[0])


def _agreed(outcome: Outcome, topic: str) -> bool:
    from worker.commands.dead_letters.view import summary

    count = outcome.planned.total()
    told = f"Send {count:,} dead letters to {topic} ({summary(outcome.planned)})?"
    return click.confirm(told, err=True)


def _print_plan(letters: Iterable[Letter], topic: str) -> None:
    from worker.commands.dead_letters.view import row, table

    if rows := [row(letter, False, topic) for letter in letters]:
        table(rows)


def _choice(filters: dict[str, Any]) -> Choice:
    from worker.commands.dead_letters.choice import Choice

    since, until = filters["since_ms"], filters["until_ms"]
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until")
    sets = {name: frozenset(filters[name]) for name in ("reasons", "stages", "partitions")}
    return Choice(**sets, since_ms=since, until_ms=until)


@contextmanager
def _reader(file: Path | None, assignments: tuple[str, ...]) -> Iterator[tuple[Kafka, Reader]]:
    from worker.commands.dead_letters.reader import Reader
    from worker.stream.clients import check_properties

    kafka = load(file, assignments, quiet=True).kafka
    check_properties(kafka)
    # librdkafka's calls would hold Ctrl-C back until they time out; nothing is left to put away.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    reader = Reader(kafka)
    try:
        yield kafka, reader
    finally:
        reader.close()


def _print_json(item: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
