"""What is noticed of the data of a training: rows that are left out, labels that contradict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from triton_models.settings import quoted

NAMED = 3  # groups of labels in a warning
QUERIES = ("query", "queries", "label")


@dataclass(frozen=True)
class Noticed:
    """Counts for the line and the record of a run.

    Attributes:
        in_dev: rows that are not learned from, since dev has them or their query too.
        repeated: rows that say again what another says.
        conflicting: queries or pairs with more than one label, told as `told_of`.
        warning: what `case` says of the labels; "" for nothing.
    """

    in_dev: int = 0
    repeated: int = 0
    conflicting: int = 0
    warning: str = ""
    told_of: tuple[str, str, str] = QUERIES

    def told(self) -> str:
        """The counts, to go behind those of what is learned from; "" where there are none."""
        reasons = [
            f"{count:,} {one if count == 1 else several}"
            for count, one, several in (
                (self.in_dev, "is in dev too", "are in dev too"),
                (self.repeated, "comes twice", "come twice"),
            )
            if count
        ]
        left = f"; {self.in_dev + self.repeated:,} left out: {', '.join(reasons)}"
        one, several, label = self.told_of
        have = f"{one} has" if self.conflicting == 1 else f"{several} have"
        twofold = f"; {self.conflicting:,} {have} more than one {label}: see `data`"
        return (left if reasons else "") + (twofold if self.conflicting else "")

    def about(self) -> dict[str, int]:
        """The counts for run.json, those that are not 0."""
        counts = {
            "left_out_in_dev": self.in_dev,
            "left_out_repeated": self.repeated,
            "with_several_labels": self.conflicting,
        }
        return {name: count for name, count in counts.items() if count}


def conflicting(labelled: Iterable[tuple[Hashable, Hashable]]) -> int:
    """How many queries or pairs have more than one label, of (normal form, label)."""
    found: dict[Hashable, set[Hashable]] = defaultdict(set)
    for form, label in labelled:
        found[form].add(label)
    return sum(len(labels) > 1 for labels in found.values())


def case(labels: Iterable[str]) -> str:
    """A sentence on labels that differ in case alone, with the remedy; "" where none do."""
    found: dict[str, list[str]] = defaultdict(list)
    for label in sorted(set(labels)):
        found[label.casefold()].append(label)
    alike = [" and ".join(map(quoted, group)) for group in found.values() if len(group) > 1]
    more = f", and {len(alike) - NAMED} more" if len(alike) > NAMED else ""
    named = ", ".join(alike[:NAMED]) + more
    told = f"Labels that differ in case alone are learned as different ones: {named}; map them"
    return f"{told} to one by `labels` of a manifest." if alike else ""
