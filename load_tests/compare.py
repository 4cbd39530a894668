"""Two runs compared: what changed by more than the noise of their rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from load_tests.figures import Figure
from load_tests.report import shown

# A change below this is noise even where the rounds agree; one round says nothing of its noise.
LEAST, ALONE = 0.05, 0.25


@dataclass(frozen=True)
class Change:
    """One figure in two runs.

    Attributes:
        share: by how much the median changed, as a share of the old one; above 0 is worse.
        noise: what the rounds of either run differ by.
    """

    scenario: str
    name: str
    old: Figure
    new: Figure
    share: float
    noise: float

    @property
    def verdict(self) -> str:
        if abs(self.share) <= self.noise:
            return "same"
        return "worse" if self.share > 0 else "better"

    def __str__(self) -> str:
        return (
            f"{self.verdict:6} {self.scenario}: {self.name}: {shown(self.old.median)} -> "
            f"{shown(self.new.median)} {self.new.unit} ({_percent(self.new, self.old)}, "
            f"noise {self.noise:.0%})"
        )


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Every figure that both runs have and that has a better direction, the worst first.

    Runs of different machines or scales are compared by their ratios and counts alone.
    """
    alike = comparable(old, new)
    found = []
    for scenario, result in new["scenarios"].items():
        before = old["scenarios"].get(scenario, {"figures": {}})["figures"]
        for name, fields in result["figures"].items():
            figure = Figure.from_dict(fields)
            known = name in before and figure.better is not None
            if known and (alike or figure.unit in ("×", "events")):
                found.append(_change(scenario, name, Figure.from_dict(before[name]), figure))
    return sorted(found, key=lambda change: -change.share)


def comparable(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether absolute figures of two runs can be compared."""
    same_machine = old["machine"] == new["machine"]
    return same_machine and old["settings"]["scale"] == new["settings"]["scale"]


def _change(scenario: str, name: str, old: Figure, new: Figure) -> Change:
    before, after = old.median, new.median
    if before == after:
        share = 0.0
    elif before == 0:
        share = float("inf") if after > 0 else float("-inf")
    else:
        share = (after - before) / abs(before)
    if new.better == "higher":
        share = -share
    rounds = min(len(old.values), len(new.values))
    least = LEAST if rounds > 1 else ALONE
    if new.unit == "events":  # counts of lost events and such: none of them is noise
        least = 0.0
    return Change(scenario, name, old, new, share, max(old.spread, new.spread, least))


def _percent(new: Figure, old: Figure) -> str:
    return f"{new.median / old.median - 1:+.0%}" if old.median else "from none"
