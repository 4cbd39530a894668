"""Run the behavioural suite through `query-worker enrich` and print the pass rate by kind.

Example: python -m tests.behaviour --kind typo --show 10
Flags after -- are passed to `enrich`: python -m tests.behaviour -- -c worker.toml
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.behaviour.checks import CHECKS, faults
from tests.behaviour.rows import SUITE, Row, SuiteError, read_rows
from tests.program import command

RESULT = Path(__file__).with_name("result.json")


class Failure(NamedTuple):
    """A row, and what of it does not hold."""

    row: Row
    faults: list[str]


def enriched(queries: list[str], flags: list[str]) -> list[dict[str, Any]]:
    """What `query-worker enrich` prints for the queries, in their order.

    Raises:
        SuiteError: it failed; the message ends with its last error.
    """
    events = "".join(json.dumps({"query": query}) + "\n" for query in queries)
    program = command("enrich", *flags)
    done = subprocess.run(program, input=events, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(queries):
        counts = f"{len(lines)} results for {len(queries)} queries"
        raise SuiteError(f"enrich: {counts}, exit code {done.returncode}: {done.stderr[-500:]}")
    return [json.loads(line) for line in lines]


def chosen(rows: list[Row], kind: str | None, only: str | None) -> list[Row]:
    """The rows of a kind, or of all; with `only`, those with this key, and nothing else of them."""
    rows = [row for row in rows if kind in (None, row["kind"])]
    if only:
        rows = [
            {name: row[name] for name in ("kind", "query", only)} for row in rows if only in row
        ]
    if not rows:
        raise SuiteError("no row of the suite fits --kind and --only")
    return rows


def failures(rows: list[Row], events: list[dict[str, Any]]) -> list[Failure]:
    judged = (Failure(row, faults(row, event)) for row, event in zip(rows, events, strict=True))
    return [failure for failure in judged if failure.faults]


def summary(rows: list[Row], failed: list[Failure]) -> dict[str, Any]:
    """Rows, passed rows, mean and worst pass rate of the kinds, and [passed, rows] of each kind."""
    total = Counter(row["kind"] for row in rows)
    lost = Counter(failure.row["kind"] for failure in failed)
    rates = {kind: 1 - lost[kind] / total[kind] for kind in sorted(total)}
    worst = min(rates, key=rates.__getitem__)
    return {
        "rows": len(rows),
        "passed": len(rows) - len(failed),
        "mean_of_kinds": round(sum(rates.values()) / len(rates), 4),
        "worst": {"kind": worst, "rate": round(rates[worst], 4)},
        "kinds": {kind: [total[kind] - lost[kind], total[kind]] for kind in rates},
    }


def table(result: dict[str, Any]) -> str:
    """The summary as lines of text."""
    lines = [f"{kind:22}{ok:5} of {n:4} {ok / n:6.1%}" for kind, (ok, n) in result["kinds"].items()]
    ok, n, worst = result["passed"], result["rows"], result["worst"]
    lines += [
        f"{'all rows':22}{ok:5} of {n:4} {ok / n:6.1%}",
        f"mean of kinds {result['mean_of_kinds']:.1%}, worst {worst['kind']} {worst['rate']:.1%}",
    ]
    return "\n".join(lines)


def show(failed: list[Failure], most: int) -> None:
    """Print at most so many failures of each kind."""
    shown: Counter[str] = Counter()
    for row, found in failed:
        shown[row["kind"]] += 1
        if shown[row["kind"]] <= most:
            print(f"  {row['kind']}: {row['query']!r}: {'; '.join(found)}")


def digest(suite: Path) -> str:
    """Identifies the suite that a recorded result belongs to."""
    return hashlib.sha256(suite.read_bytes()).hexdigest()[:16]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.behaviour",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", type=Path, default=SUITE, help="another file of rows")
    parser.add_argument("--kind", help="only rows of this kind")
    parser.add_argument("--only", choices=CHECKS, help="only this key, in the rows that have it")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="N failures of each kind")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--record", action="store_true", help=f"write it to {RESULT.name}")
    parser.add_argument("flags", nargs="*", help="flags of enrich, after --")
    chosen = parser.parse_args(arguments)
    if chosen.record and (chosen.suite != SUITE or chosen.kind or chosen.only or chosen.flags):
        parser.error("--record is for the whole committed suite; leave out the other options")
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, whatever the rates; 2 when the suite or `enrich` cannot be used."""
    option = options(arguments)
    try:
        rows = chosen(read_rows(option.suite), option.kind, option.only)
        events = enriched([row["query"] for row in rows], option.flags)
    except SuiteError as error:
        print(error, file=sys.stderr)
        return 2
    failed = failures(rows, events)
    result = summary(rows, failed)
    if option.record:
        recorded = {"suite": digest(SUITE)} | result
        RESULT.write_text(json.dumps(recorded, indent=1) + "\n")
    if option.json:
        print(json.dumps(result))
    else:
        show(failed, option.show)
        print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
