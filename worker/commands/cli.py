"""The program `query-worker`: run, demo, enrich, explain, check, dead-letters."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
from pathlib import Path

import click
import orjson

from worker import __version__, logs
from worker.commands.dead_letters.commands import dead_letters
from worker.commands.options import configured, load
from worker.commands.run import run
from worker.commands.signals import until_stopped
from worker.config.settings import Settings
from worker.errors import ConfigError, Stop
from worker.redact import redacted

logger = logging.getLogger(__name__)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="query-worker")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn raw search queries from Kafka into understood ones.

    Settings are read from -c FILE, the environment (QUERY_WORKER_KAFKA__INPUT_TOPIC=queries) and
    --set kafka.input_topic=queries; later sources override earlier ones.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        sys.exit(2)


cli.add_command(run)
cli.add_command(dead_letters)


@cli.command(short_help="Enrich the lines of a file or stdin, without Kafka.")
@click.argument("source", default="-", metavar="[FILE]")
@configured
def enrich(source: str, file: Path | None, assignments: tuple[str, ...]) -> None:
    """Enrich the lines of FILE, or of stdin, and print JSON lines in the same order.

    A line that starts with { is a JSON event; a JSON array is refused; any other line is a query.
    For a line that cannot be enriched, its error is printed in its place. The text is UTF-8, or
    UTF-16 with a byte order mark. The models run in this process unless the configuration names a
    Triton server.

    \b
    Example:
      printf 'cheap red sneakers\\nwhere is my order\\n' | query-worker enrich
    """
    settings = load(file, assignments, quiet=True)
    if not settings.inference.model_fields_set & {"backend", "url"}:
        inference = settings.inference.model_copy(update={"backend": "onnx"})
        settings = settings.model_copy(update={"inference": inference})
    if sys.stdout is None or (source == "-" and sys.stdin is None):
        raise ConfigError("stdin and stdout must be open; name a FILE, or redirect to one")
    try:
        descriptor = 0 if source == "-" else os.open(source, os.O_RDONLY)
        os.read(descriptor, 0)  # a folder can be opened, but not read
    except OSError as error:
        remedy = "name a file of queries, one a line, or - for stdin"
        raise ConfigError(f"{source!r}: {error.strerror}; {remedy}") from None
    try:
        lines, failed = asyncio.run(_enrich(settings, descriptor))
    except BrokenPipeError:  # the reader of stdout has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if failed:
        print(f"{lines} lines, {failed} of them with an error in place", file=sys.stderr)


async def _enrich(settings: Settings, descriptor: int) -> tuple[int, int]:
    from worker.build import Understanding
    from worker.commands.enrich import enrich as enrich_lines

    understanding = Understanding(settings)
    async with understanding.ready(settings.lifecycle.startup_timeout_s):
        return await enrich_lines(understanding.pipeline, descriptor, sys.stdout.buffer)


@cli.command(short_help="Show why a query is understood as it is.")
@click.argument("query")
@click.option("--term", help="Explain the match with this term.  [default: best candidate]")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@configured
def explain(
    query: str, term: str | None, as_json: bool, file: Path | None, assignments: tuple[str, ...]
) -> None:
    """Explain a query: its intent by word, each candidate's evidence and score, the match by word.

    The models of inference.models run in this process; no server is used.

    \b
    Example:
      query-worker explain "red running shoes" --term sneakers
    """
    from worker.commands.explain import shown, why

    explanation = why(load(file, assignments, quiet=True), query, term)
    if as_json:
        click.echo(orjson.dumps(explanation.as_dict()))
        return
    from rich.console import Console
    from rich.padding import Padding

    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(Padding(shown(explanation), (1, 2)))


@cli.command(short_help="Check configuration, models, Triton and Kafka.")
@configured
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--acls", is_flag=True, help="Print the rights that are needed, and how to grant them."
)
def check(file: Path | None, assignments: tuple[str, ...], as_json: bool, acls: bool) -> None:
    """Check what `run` needs: configuration, models, lexicon, Triton, Kafka and rights.

    The exit code is 1 if there is a fault.

    \b
    Example:
      query-worker check -c worker.toml
    """
    from worker.commands import check as checks
    from worker.commands.acls import as_dicts, listing

    settings = load(file, assignments, quiet=True)
    # Else Ctrl-C would wait for librdkafka's calls to time out; there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if acls:
        answers = checks.rights(settings.kafka)
        if as_json:
            _print_indented(as_dicts(answers, settings.kafka))
        else:
            click.echo(listing(answers, settings.kafka))
        sys.exit(any(item.granted is False and not item.right.optional for item in answers))
    findings = checks.check(settings)
    if as_json:
        _print_indented(findings)
    else:
        checks.show(findings)
    if any(finding.state == "fault" for finding in findings):
        sys.exit(1)


def _print_indented(item: object) -> None:
    click.echo(orjson.dumps(item, option=orjson.OPT_INDENT_2))


@cli.command(short_help="Stream queries through an embedded Kafka and Triton.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="File with one query a line.  [default: built-in queries]",
)
@click.option(
    "--events",
    type=click.IntRange(1),
    help="Stop after N events and print a summary.  [default: run until stopped]",
)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=100.0,
    show_default=True,
    help="Events per second; 0 for as fast as possible.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON; no live view.")
@configured
def demo(
    queries: Path | None,
    events: int | None,
    rate: float,
    as_json: bool,
    file: Path | None,
    assignments: tuple[str, ...],
) -> None:
    """Stream queries through an embedded Kafka and Triton and show events, rates and latencies.

    The configuration's Kafka and Triton are not used; its other settings apply.

    \b
    Example:
      query-worker demo --events 2000 --rate 500
    """
    from worker.commands.demo.demo import Demo

    if not math.isfinite(rate):
        message = "must be a finite number, 0 for as fast as possible"
        raise click.BadParameter(message, param_hint="--rate")
    settings = load(file, assignments, quiet=True)
    session = Demo(settings, queries, events, rate, live=not as_json)
    summary = asyncio.run(
        until_stopped(session.run, session.restore_terminal, also=(signal.SIGHUP,))
    )
    if summary is not None:
        click.echo(orjson.dumps(summary.as_dict()) if as_json else summary.as_text())
        sys.exit(not summary.balanced)


def main() -> None:
    """Run the command line; each fault is printed in one line, never as a traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        _print_error(f"{error.format_message()} (see --help)")
        sys.exit(2)
    except Stop as error:
        _print_error(str(error))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except OSError as error:  # a full disk, a vanished terminal
        _print_error(f"{error.strerror}: {error.filename or 'output'}")
        sys.exit(1)
    except Exception as error:
        logger.debug("internal error", exc_info=True)
        _print_error(
            f"internal error: {logs.fault(error)}\n"
            "  --set logging.level=debug shows the traceback; please report it"
        )
        sys.exit(1)


def _print_error(message: str) -> None:
    print(f"query-worker: {redacted(message, lines=True)}", file=sys.stderr)
