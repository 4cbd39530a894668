"""The dev sets are what their figures claim: written for every label and style, no repetition."""

import csv
import json
from collections import Counter

from triton_models.settings import DEV_SETS, LABELS, STARTER

STYLES = ("keywords", "fragment", "question", "sentence", "typo")


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DEV_SETS / name).read_text().splitlines()]


def written(name: str) -> list[dict]:
    """What we wrote for a starter model to learn from."""
    with (STARTER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_hand_wrote_every_label_in_every_style():
    cells = Counter((r["source"], r["intent"], r["style"]) for r in rows("dev_intent.jsonl"))
    hands = {source for source, _, _ in cells}
    assert hands == {"first hand", "second hand"}
    assert set(cells) == {(h, label, s) for h in hands for label in LABELS for s in STYLES}
    assert max(cells.values()) < 2.5 * min(cells.values())
    assert sum(cells.values()) >= 800


def test_no_query_is_there_twice():
    queries = [row["query"].casefold() for row in rows("dev_intent.jsonl")]
    assert len(queries) == len(set(queries))


def test_pairs_are_judged_yes_or_no_and_not_lopsided():
    pairs = rows("dev_matching.jsonl")
    assert len({(p["query"], p["term"]) for p in pairs}) == len(pairs) >= 60
    matches = [p["match"] for p in pairs]
    assert set(matches) == {0, 1}
    assert 0.3 < sum(matches) / len(matches) < 0.7


def test_what_we_wrote_for_training_holds_no_dev_query():
    def plain(text: str) -> str:
        return "".join(c for c in text.casefold() if c.isalnum())

    dev = {plain(row["query"]) for row in rows("dev_intent.jsonl")}
    queries = written("intent/queries.tsv")
    learned = [plain(row["query"]) for row in queries]
    assert len(learned) > 7000 and len(set(learned)) == len(learned)
    assert not dev & set(learned)
    assert {row["intent"] for row in queries} == set(LABELS)


def test_written_titles_and_kinds_are_whole():
    titles = written("matching/titles.tsv")
    assert {row["grade"] for row in titles} == set("ESCI")
    assert len({(row["query"], row["title"]) for row in titles}) == len(titles) > 3000
    queries = [row["query"] for row in written("encoder/kinds.tsv")]
    assert len(set(queries)) == len(queries) > 1500
