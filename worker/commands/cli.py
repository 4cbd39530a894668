"""The program `query-worker`: run, demo, enrich, explain, check, health, lexicon, dead-letters."""

from __future__ import annotations

import logging
import sys
from pkgutil import resolve_name

import click

from worker import __version__, logs
from worker.errors import Stop
from worker.redact import redacted

logger = logging.getLogger(__name__)

COMMANDS = {
    "check": "check:check",
    "dead-letters": "dead_letters.commands:dead_letters",
    "demo": "demo.demo:demo",
    "enrich": "enrich:enrich",
    "explain": "explain:explain",
    "health": "health:health",
    "lexicon": "lexicon:lexicon",
    "run": "run:run",
}


class Commands(click.Group):
    """Loads a command when it is used, so that none waits for what only the others need."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return resolve_name(f"worker.commands.{COMMANDS[name]}") if name in COMMANDS else None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="query-worker")
def cli() -> None:
    """Turn raw search queries from Kafka into understood ones.

    Settings are read from -c FILE, the environment (QUERY_WORKER_KAFKA__INPUT_TOPIC=queries) and
    --set kafka.input_topic=queries; later sources override earlier ones.
    """


def main() -> None:
    """Run the command line; a fault is the last line of the log, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:  # a group without a command
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _print_error(f"{error.format_message()} (see --help)")
        sys.exit(2)
    except Stop as error:
        _print_error(str(error))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except OSError as error:  # a full disk, a vanished terminal
        place = f": {error.filename or 'output'}" if error.strerror else ""
        _print_error(f"{error.strerror or str(error) or type(error).__name__}{place}")
        sys.exit(1)
    except Exception as error:
        logger.debug("internal error", exc_info=True)
        _print_error(
            f"internal error: {logs.fault(error)}\n"
            "  --set logging.level=debug shows the traceback; please report it"
        )
        sys.exit(1)


def _print_error(message: str) -> None:
    print(logs.last_line(redacted(message, lines=True)), file=sys.stderr)
