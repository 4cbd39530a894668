"""Text without labels, of which a student learns what its teachers say."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triton_models.data import named, records
from triton_models.data.split import is_dev
from triton_models.training.course import refuse

Asked = tuple[str, ...]  # a text, or a query and a document, of which one may be ""
Pair = tuple[object, object]  # a query and a document as a file has them


@dataclass(frozen=True)
class Texts:
    """What the student learns from and is judged by; nothing of it has a label."""

    learned: list[Asked]
    dev: list[Asked]

    def about(self) -> dict:
        found = {"learned": self.learned, "dev": self.dev}
        return {name: len(side) for name, side in found.items()} | {
            f"{name}_sha256": hashlib.sha256(json.dumps(side).encode()).hexdigest()
            for name, side in found.items()
        }

    def told(self) -> str:
        return f"{len(self.learned)} texts to learn from, {len(self.dev)} of dev"

    def dev_files(self) -> dict[str, list[dict]]:
        """None: `evaluate` needs labels."""
        return {}

    def texts(self) -> list[Asked]:
        """Of each example to learn from, the texts that are read."""
        return [tuple(filter(None, one)) for one in self.learned]


def gather(args: argparse.Namespace, read: Callable[[Sequence[Path]], Iterator[Asked]]) -> Texts:
    """What `read` finds in --text, each once; 15 % are dev by the hash of the first text."""
    refuse(
        (
            args.queries or args.dev or args.columns,
            "--queries, --columns and --dev go with intent; give --text alone",
        ),
        (not args.text, "give --text: what the teachers are asked"),
    )
    found = list(dict.fromkeys(read(args.text)))
    sides: tuple[list[Asked], list[Asked]] = ([], [])
    for one in found:
        sides[is_dev(one[0] or one[1])].append(one)
    refuse((not all(sides), f"{len(found)} texts are too few to part; give more"))
    return Texts(*sides)


def pairs(place: Path) -> Iterator[tuple[int, records.Record, Pair]]:
    """(line, record, its query and document) of a file, by the columns of judged pairs, or of plain
    text by a tab between the two; None for one that is not there.
    """
    names = named.names_of("pairs")
    for line, row in records.read(place, "", records.refusing(place)):
        row = named.ours(row, names)
        parts = str(row.get("query") or "").split("\t") if "term" not in row else []
        yield line, row, parts if len(parts) == 2 else (row.get("query"), row.get("term"))
