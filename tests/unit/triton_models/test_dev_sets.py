"""The dev sets are what their figures claim: written for every label and style, no repetition."""

import json
from collections import Counter

from triton_models.settings import DATA, LABELS, STYLES


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def test_every_label_has_as_many_queries_of_every_style():
    cells = Counter((row["intent"], row["style"]) for row in rows("dev_intent.jsonl"))
    assert set(cells) == {(label, style) for label in LABELS for style in STYLES}
    assert min(cells.values()) == max(cells.values())
    assert sum(cells.values()) >= 320


def test_no_query_is_there_twice():
    queries = [row["query"].casefold() for row in rows("dev_intent.jsonl")]
    assert len(queries) == len(set(queries))


def test_pairs_are_judged_yes_or_no_and_not_lopsided():
    pairs = rows("dev_matching.jsonl")
    assert len({(p["query"], p["term"]) for p in pairs}) == len(pairs) >= 60
    matches = [p["match"] for p in pairs]
    assert set(matches) == {0, 1}
    assert 0.3 < sum(matches) / len(matches) < 0.7
