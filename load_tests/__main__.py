"""Run one scenario, all of them, or compare two runs.

    python -m load_tests cached --json --scale 0.1
    python -m load_tests all --out load_tests/results
    python -m load_tests compare OLD.json NEW.json
"""

from __future__ import annotations

import json

import click

from load_tests.bench import Bench
from load_tests.scenarios import cached

SCENARIOS={"cached": cached.at_least_once, "cached-exactly-once": cached.exactly_once}

@click.command()
@click.argument("name")
@click.option("--scale", default=1.0)
@click.option("--rounds", default=2)
def main(name, scale, rounds):
    with Bench(scale, rounds) as bench:
        print(json.dumps(SCENARIOS[name](bench).as_dict(), indent=2, ensure_ascii=False))

main()
