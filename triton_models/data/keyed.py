"""Joins the starter models' labels with the public sets whose queries they are of.

The labels stand in `starter/labels`, each keyed by the first 16 hexadecimal digits of the SHA-256
of a query, or of a term, so that no set's own text is in the repository.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from triton_models.data import composed
from triton_models.data.lexicon_terms import read_names
from triton_models.data.sources import read_csv, read_json, read_lines
from triton_models.data.split import is_dev
from triton_models.query_text import normal_form
from triton_models.settings import UsageError

LABELS = Path(__file__).resolve().parents[1] / "starter" / "labels"
GRADES = {"right": 1.0, "drifting": 0.0, "wrong": 0.0}
OWN = "="  # before a term that is ours, and stands in full
BETWEEN = "|"  # two terms of one verdict


def key(text: str) -> str:
    """Of a text whose words are parted by single spaces."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def join(data: Path, out: Path, labels: Path = LABELS) -> dict[str, int]:
    """Write `intents.jsonl`, `tags.jsonl`, `composed.jsonl`, `terms.jsonl` and `titles.jsonl`, as
    `finetune` reads them; returns the lines of each, and under `unknown` the rows and terms whose
    text is not there.

    Raises UsageError where a set is missing.
    """
    queries = {key(text): text for text in _queries(data)}
    terms = {key(text): text for text in _terms(data)}
    unknown = 0

    def known(rows: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, Mapping[str, str]]]:
        nonlocal unknown
        for row in rows:
            if text := queries.get(row["query"]):
                yield text, row
            else:
                unknown += 1

    hands = ("queries.tsv", "second_hand.tsv")
    real = [row for hand in hands for row in known(_rows(labels / hand))]
    written = [(row["query"], row) for row in written_rows(labels)]
    names = ("intent", "sentiment")
    judged = []
    for query, row in known(_rows(labels / "terms.tsv")):
        for verdict, grade in GRADES.items():
            for term in filter(None, row[verdict].split(BETWEEN)):
                text = term[len(OWN) :] if term.startswith(OWN) else terms.get(term)
                if text is None:
                    unknown += 1
                else:
                    judged.append({"query": query, "term": text, "grade": grade})
    spans = real + [(query, row) for query, row in written if row["spans"]]
    tags = [{"tokens": q.split(), "tags": _tags(q, row["spans"])} for q, row in spans]
    learned = [row for row in tags if not is_dev(normal_form(" ".join(row["tokens"])))]
    files = {
        "intents": [
            {"query": q} | {name: row[name] for name in names} for q, row in real + written
        ],
        "tags": tags,
        "composed": composed.compose((row["tokens"], row["tags"]) for row in learned),
        "terms": judged,
        "titles": [
            {"query": q, "term": row["title"], "grade": float(row["grade"] == "exact")}
            for q, row in known(_rows(labels / "titles.tsv"))
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return {name: len(rows) for name, rows in files.items()} | {"unknown": unknown}


def written_rows(labels: Path = LABELS) -> list[dict[str, str]]:
    """The written queries of every kind, each of which has a file."""
    return [row for file in sorted((labels / "written").glob("*.tsv")) for row in _rows(file)]


def _tags(query: str, spans: str) -> list[str]:
    """BIO tags of a query's words; `spans` are `tag:first-end` of words, parted by spaces."""
    tags = ["O"] * len(query.split())
    for span in spans.split():
        tag, _, place = span.partition(":")
        first, end = map(int, place.split("-"))
        tags[first:end] = [f"B-{tag}"] + [f"I-{tag}"] * (end - first - 1)
    return tags


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _queries(data: Path) -> Iterator[str]:
    """The queries of the sets that were labelled."""
    for line in read_lines(data, "query_ner/train.jsonl"):
        yield " ".join(json.loads(line)["tokens"])
    texts: list[Any] = []
    for found in read_json(data, "webshop/goal_query_map.json").values():
        texts += found if isinstance(found, list) else [found]
    texts += [row["query"] for row in read_csv(data, "wands/query.csv", "\t")]
    texts += read_lines(data, "esci_queries/queries.txt")
    texts += [row["query"] for row in read_csv(data, "chorus_icecat/ratings.csv")]
    for text in texts:
        yield " ".join(str(text).split())


def _terms(data: Path) -> Iterator[str]:
    """Candidates that were judged: the starter lexicon's names, and two taxonomies'."""
    yield from read_names()
    for line in read_lines(data, "shopify_taxonomy/categories.en.txt"):
        yield line.rpartition(" > ")[2].rpartition(" : ")[2].strip().lower()
    for category in read_json(data, "bestbuy_cc0/categories.json"):
        yield (category["name"] or "").lower()


def main() -> None:
    """`python -m triton_models.data.keyed --data DATA --out OUT`."""
    parser = argparse.ArgumentParser(prog="python -m triton_models.data.keyed")
    parser.description = "join the starter models' labels with the public sets"
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    args = parser.parse_args()
    try:
        print(*(f"{name} {count:,}" for name, count in join(args.data, args.out).items()))
    except UsageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
