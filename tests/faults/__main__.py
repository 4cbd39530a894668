"""Workers under load on a real Kafka and a real Triton, hurt at random; then every record counted.

    python -m tests.faults --seed 7 --minutes 10

The faults and their times follow from the seed. Progress goes to stderr; the last line of stdout is
one JSON object. Exit code 1 when a guarantee is broken; then the workers' logs are kept. Needs what
the tests need: Java 17 and Maven for Apache Kafka, and the embedded Triton.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from tests.faults import clock
from tests.faults.judge import judge, summary
from tests.faults.kinds import KINDS
from tests.faults.options import Options
from tests.faults.run import running
from tests.servers import kafka
from worker.embedded import binary


@click.command(help=__doc__.replace("\n\n    python", "\n\n\b\n    python"))
@click.option("--seed", default=1, show_default=True, help="Decides faults and inputs.")
@click.option("--minutes", default=5.0, show_default=True, help="How long faults are inflicted.")
@click.option(
    "--delivery",
    type=click.Choice(["at-least-once", "exactly-once"]),
    default="at-least-once",
    show_default=True,
)
@click.option(
    "--protocol",
    type=click.Choice(["classic", "consumer"]),
    default="classic",
    show_default=True,
    help="Of the group: cooperative-sticky, or KIP-848.",
)
@click.option("--static", is_flag=True, help="Static membership.")
@click.option("--overlap", is_flag=True, help="Do not wait for recovery before the next fault.")
@click.option("--workers", default=3, show_default=True, type=click.IntRange(1))
@click.option("--rate", default=300.0, show_default=True, help="Events a second.")
@click.option("--only", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind.")
def main(only: tuple[str, ...], **chosen) -> None:
    for reason in (kafka.unavailable(), binary.available()):
        if reason:
            raise click.ClickException(reason)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # put everything away
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    options = Options(**chosen, kinds=_kinds(only, console))
    folder = Path(tempfile.mkdtemp(prefix="query-worker-faults-"))
    with running(options, folder, console.print) as outcome:
        console.print(f"reconciling {outcome.sent:,} inputs")
        ledger = judge(outcome)
    result = summary(ledger, outcome, options)
    for kind, told in ledger.findings.examples.items():
        if kind != "duplicated" or "duplicated" in result["broken"]:
            for one in told:
                console.print(f"{kind}: {one}", markup=False)
    if result["broken"] or result["out_of_order"]:
        console.print(f"broken: {', '.join(result['broken']) or 'nothing'}; see {folder}")
    else:
        shutil.rmtree(folder)
    print(json.dumps(result))
    sys.exit(1 if result["broken"] else 0)


def _kinds(only: tuple[str, ...], console: Console) -> tuple[str, ...]:
    """The faults to draw from: those that are asked for, or all that can be inflicted here."""
    reason = clock.unavailable()
    if reason and "clock_jump" in only:
        raise click.ClickException(f"clocks cannot be set here: {reason}")
    if reason and not only:
        console.print(f"no clock_jump: {reason}")
    return tuple(name for name in only or KINDS if not (reason and name == "clock_jump"))


if __name__ == "__main__":
    main()
