"""Fuzzing of the way in: `python -m tests.fuzz --inputs 10000000 --seed 1`.

Every input must come to an output that keeps the untouched fields' exact bytes, or to a reason that
is known; the first that does not is printed, and the exit code is 1. The last line is one JSON
object: inputs, counts by outcome, seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.fuzz.account import account, account_large, account_line
from tests.fuzz.inputs import Inputs

LINES = 0.2  # share of inputs that come as lines of text
IN_FULL = 500  # one of so many is held to the schema too
LARGE = 2000  # one of so many is large
TELL_EVERY = 1_000_000
MOST_SHOWN = 5000


def fuzz(count: int, seed: int) -> Counter[str]:
    """Outcomes of so many inputs.

    Raises:
        AssertionError: an input broke a promise; tells which.
    """
    inputs, outcomes = Inputs(seed), Counter()
    for number in range(count):
        kind, drawn, outcome_of = _drawn(inputs, number)
        try:
            outcome = outcome_of(drawn)
        except Exception as error:
            shown = repr(drawn)[:MOST_SHOWN]
            told = f"seed {seed}, {kind} {number}: {shown}: {type(error).__name__}: {error}"
            raise AssertionError(told) from error
        outcomes[outcome] += 1
        if number % TELL_EVERY == TELL_EVERY - 1:
            print(f"{number + 1:,} inputs, none unaccounted for", file=sys.stderr, flush=True)
    return outcomes


def _drawn(inputs: Inputs, number: int) -> tuple[str, bytes | None, Callable[..., str]]:
    if number % LARGE == LARGE - 1:
        return "large record", inputs.large(), account_large
    in_full = number % IN_FULL == 0
    if inputs.random() < LINES:
        return "line", inputs.line(), partial(account_line, in_full=in_full)
    return "record", inputs.record(), partial(account, in_full=in_full)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.monotonic()
    try:
        outcomes = fuzz(chosen.inputs, chosen.seed)
    except AssertionError as error:
        sys.exit(str(error))
    told = {"inputs": sum(outcomes.values()), "outcomes": dict(outcomes.most_common())}
    print(json.dumps(told | {"seconds": round(time.monotonic() - started)}))


if __name__ == "__main__":
    main()
