"""Run load tests: one scenario, all of them, or compare two runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from load_tests import compare, report
from load_tests.bench import Bench
from load_tests.figures import Result
from load_tests.flame import py_spy
from load_tests.scenarios import cached, distinct, latency, resources
from load_tests.subjects import Unsupported
from tests.servers.kafka import unavailable

SCENARIOS: dict[str, Callable[[Bench], Result]] = {
    "cached": cached.at_least_once,
    "cached-exactly-once": cached.exactly_once,
    "processes": resources.processes,
    "distinct": distinct.nothing,
    "backlog": resources.backlog,
    "idle": resources.idle,
    "latency-cached": latency.cached,
    "burst": latency.burst,
    "latency": latency.half,
    "distinct-starter": distinct.starter,
    "zipf": distinct.zipf,
}


BUSY = 0.5  # load average before the start


class Group(click.Group):
    """`python -m load_tests NAME`: a scenario is a command by itself."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*SCENARIOS, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in SCENARIOS:
            return super().get_command(context, name)
        summary = SCENARIOS[name].__doc__

        def run_one(**options: Any) -> None:
            run([name], **options)

        params = _options()
        return click.Command(
            name, params=params, callback=run_one, help=summary, short_help=summary
        )


def _options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--scale"],
            type=float,
            default=1.0,
            show_default=True,
            help="Of record counts and windows; 0.1 for a quick trial.",
        ),
        click.Option(
            ["--rounds"],
            type=click.IntRange(1),
            default=3,
            show_default=True,
            help="How often each subject is measured, in turn.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the run as JSON."),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path),
            help="Folder for <date>.md, .json and pictures.",
        ),
        click.Option(
            ["--flame"],
            type=click.Path(path_type=Path),
            help="Folder for flame graphs of the worker (needs py-spy; costs some speed).",
        ),
    ]


@click.group(cls=Group, help=__doc__)
def main() -> None:
    pass


@main.command("compare")
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
def compare_command(old: Path, new: Path) -> None:
    """What got worse, beyond noise, from one run's JSON to another's; exit code 1 if anything."""
    runs = [json.loads(file.read_text()) for file in (old, new)]
    if not compare.comparable(*runs):
        click.echo("another machine or scale: only ratios and counts are compared", err=True)
    found = compare.changes(*runs)
    for change in found:
        if change.verdict != "same":
            click.echo(str(change))
    worse = sum(change.verdict == "worse" for change in found)
    click.echo(f"{len(found)} figures compared, {worse} worse")
    sys.exit(1 if worse else 0)


@main.command("all", params=_options())
def all_command(**options: Any) -> None:
    """All scenarios in one run."""
    run(list(SCENARIOS), **options)


def run(
    names: list[str],
    scale: float,
    rounds: int,
    as_json: bool,
    out: Path | None,
    flame: Path | None,
) -> None:
    """Run scenarios on one broker, one after the other; progress goes to stderr."""
    if reason := unavailable():
        raise click.ClickException(reason)
    if flame is not None and py_spy() is None:
        raise click.ClickException("--flame needs py-spy: python -m pip install py-spy")
    if os.getloadavg()[0] > BUSY:
        click.echo("warning: this machine is busy; absolute figures will be off", err=True)
    results: dict[str, Result] = {}
    skipped: dict[str, str] = {}
    with Bench(scale, rounds, flame) as bench:
        around = report.surroundings(bench)
        for name in names:
            click.echo(f"{name}: {SCENARIOS[name].__doc__}", err=True)
            try:
                results[name] = SCENARIOS[name](bench)
            except Unsupported as error:
                skipped[name] = str(error)
            except RuntimeError as error:  # the others are still worth their time
                if len(names) == 1:
                    raise click.ClickException(str(error)) from error
                skipped[name] = f"failed: {error}"
            if name in skipped:
                click.echo(f"  not run: {skipped[name]}", err=True)
            else:
                _say(results[name])
            if out is not None:
                report.write(out, around, results, skipped)
    if as_json:
        text = json.dumps(report.as_dict(around, results, skipped), indent=1, ensure_ascii=False)
        click.echo(text)
    if any(why.startswith("failed") for why in skipped.values()):
        sys.exit(1)


def _say(result: Result) -> None:
    for name, figure in result.figures.items():
        goal = {None: "", True: "  reached", False: "  missed"}[figure.reached]
        click.echo(f"  {name}: {report.shown(figure.median)} {figure.unit}{goal}", err=True)
    for note in result.notes:
        click.echo(f"  {note}", err=True)


if __name__ == "__main__":
    main()
