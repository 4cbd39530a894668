"""Which fault comes when: drawn from the seed, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.faults.kinds import KINDS, OVERHEAD_S, Plan

FIRST_S = 3.0
SETTLE_S = 2.0
PAUSE_S = 0.0, 3.0


def timetable(
    seed: int, minutes: float, kinds: Sequence[str], workers: int, overlap: bool = False
) -> list[Plan]:
    """The faults of a run, in order; each kind comes once before any comes again.

    One begins when all should have recovered from the one before it, or, if they `overlap`, when
    what was broken should be mended; where that takes longer, it begins later.
    """
    draw, plans, at_s = random.Random(seed), [], FIRST_S
    for name in _in_turn(draw, kinds):
        kind = KINDS[name]
        duration = draw.uniform(kind.shortest_s, kind.longest_s)
        plan = Plan(
            name, round(at_s, 1), round(duration, 1), draw.randrange(workers), draw.random()
        )
        at_s += duration + draw.uniform(*PAUSE_S)
        if not overlap:
            at_s += _overhead(name) + SETTLE_S + kind.calm_s
        if at_s > minutes * 60 and plans:
            break
        plans.append(plan)
    return plans


def _in_turn(draw: random.Random, kinds: Sequence[str]) -> Iterator[str]:
    while True:
        yield from draw.sample(list(kinds), len(kinds))


def _overhead(name: str) -> float:
    return next((s for begin, s in OVERHEAD_S.items() if name.startswith(begin)), 0.0)
