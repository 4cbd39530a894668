"""How far the F1 of spans drops when queries are changed word by word, their spans carried along.

Words are neither joined nor moved: spans are of words that stand side by side.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from triton_models.evaluation import robustness
from triton_models.evaluation.evaluate import Asked, Report
from triton_models.evaluation.perturb import MOVING, Change
from triton_models.evaluation.statistics import Statistic
from triton_models.kinds.tagging import entities
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.summary import answers
from triton_models.kinds.tagging.words import Span, spans_of, words_of
from triton_models.query_text import normal_form

FIGURE = "micro_f1"


def withstood(
    rows: Sequence[Tagged], network: Asked, tags: Sequence[str], changes: Mapping[str, Change]
) -> Report:
    """Micro-F1 of spans under each change that leaves the words in their places."""

    def judge(texts: list[str]) -> Statistic:
        asked = [carried(one, text) for one, text in zip(rows, texts, strict=True)]
        found = [one.spans for one in answers(network, [text for text, _ in asked])]
        table, right = entities.judged([spans for _, spans in asked], found, tags)
        return entities.measures(table, right)[FIGURE]

    mine = {name: kept(change, rows) for name, change in changes.items() if name not in MOVING}
    return robustness.robustness([one.text for one in rows], judge, FIGURE, mine)


def kept(change: Change, rows: Sequence[Tagged]) -> Change:
    """The change, of queries whose spans can follow it."""
    known = {one.text: one for one in rows}

    def changed(text: str, rng: random.Random) -> str:
        try:
            carried(known[text], new := change(text, rng))
        except ValueError:
            return text  # a slip at a sign has made two words of one
        return new

    return changed


def carried(one: Tagged, text: str) -> tuple[str, list[Span]]:
    """The normal form of a query whose words were changed into `text`, and its spans there.

    Raises ValueError for a text that has other words between its spaces.
    """
    form = normal_form(text)
    if counts(form) != counts(one.text):
        raise ValueError(f"{text!r} has other words than {one.text!r}")
    return form, spans_of(words_of(form), one.labels)


def counts(form: str) -> list[int]:
    """How many words stand between each two spaces."""
    return [len(words_of(part)) for part in form.split(" ")]
