"""Which names that synonym rules give the worker will not publish, and why: what a build says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from worker.lexicon.lexicon import Lexicon
from worker.understanding.held_back import LEFT_OUT, held_back
from worker.understanding.protect import NARROWER


def rules_unused(folder: Path, rules: Mapping[tuple[str, str], str]) -> list[str]:
    """A sentence for each name that never expands the other one, asked by itself.

    Args:
        folder: of the lexicon.
        rules: two names, the second one for the first, and the place of the rule.
    """
    if not rules:
        return []
    lexicon, found = Lexicon.load(folder), {}
    places = {(one, lexicon.published(other)): place for (one, other), place in rules.items()}
    for one in dict.fromkeys(one for one, _ in rules):
        read = lexicon.read(one)
        for held in held_back(lexicon, read, lexicon.heads(read)):
            place = places.get((one, held.name))
            if place and held.reason not in (LEFT_OUT, NARROWER):
                found[one, held.name] = f"{place}: {one!r} is not expanded by {held.name!r}"
                found[one, held.name] += f" (held back: {held.reason})"
    return [*found.values()]
