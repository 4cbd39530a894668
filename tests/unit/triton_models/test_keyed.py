"""The starter models' labels find the texts of the public sets that they are of."""

import csv
import json

import pytest

from triton_models.data import keyed
from triton_models.settings import UsageError

INTENTS = {"purchase", "browse", "inquiry", "complaint", "other"}


@pytest.fixture
def data(tmp_path):
    """Sets with one query each, in the form that the public ones have."""
    files = {
        "query_ner/train.jsonl": json.dumps({"tokens": ["red", "mugs"], "labels": []}),
        "webshop/goal_query_map.json": json.dumps({"goal": ["blue  mugs"]}),
        "wands/query.csv": "query_id\tquery\n1\tmug rack\n",
        "esci_queries/queries.txt": "mug warmer\n",
        "chorus_icecat/ratings.csv": "query,docid,rating\nmug,1,3\n",
        "shopify_taxonomy/categories.en.txt": "gid://1 : Kitchen > Travel Cups\n",
        "bestbuy_cc0/categories.json": json.dumps([{"name": "Tumblers"}, {"name": None}]),
    }
    for name, text in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "data"


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()

    def table(name, *rows):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("".join("\t".join(row) + "\n" for row in rows))

    red, blue = keyed.key("red mugs"), keyed.key("blue mugs")
    head = ("query", "intent", "also", "sentiment")
    spans = "color:0-1 product:1-2"
    table("queries.tsv", (*head, "spans"), (red, "browse", "", "neutral", spans))
    again = (red, "purchase", "browse", "neutral", "product:0-2")
    table("second_hand.tsv", (*head, "spans"), again)
    table("written/praise.tsv", (*head, "spans"), ('"love" it', "other", "", "positive", ""))
    rocket = ("acme rocket", "purchase", "", "neutral", "brand:0-1 model:1-2")
    table("written/rockets.tsv", (*head, "spans"), rocket)
    table(
        "terms.tsv",
        ("query", "right", "drifting", "wrong"),
        (red, "=red cups", "", ""),
        (blue, "", keyed.key("travel cups"), f"{keyed.key('tumblers')}|0123456789abcdef"),
    )
    table("titles.tsv", ("query", "grade", "title"), (blue, "exact", "Cobalt Cup"))
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_labels_are_joined_with_the_texts_that_they_are_of(data, labels, tmp_path):
    out = tmp_path / "out"
    counts = keyed.join(data, out, labels)
    assert counts == {
        "intents": 4,
        "tags": 3,
        "composed": 0,
        "terms": 3,
        "titles": 1,
        "unknown": 1,
    }
    assert lines(out / "intents.jsonl") == [
        {"query": "red mugs", "intent": "browse", "sentiment": "neutral"},
        {"query": "red mugs", "intent": "purchase", "sentiment": "neutral"},
        {"query": '"love" it', "intent": "other", "sentiment": "positive"},
        {"query": "acme rocket", "intent": "purchase", "sentiment": "neutral"},
    ]
    assert lines(out / "tags.jsonl") == [
        {"tokens": ["red", "mugs"], "tags": ["B-color", "B-product"]},
        {"tokens": ["red", "mugs"], "tags": ["B-product", "I-product"]},
        {"tokens": ["acme", "rocket"], "tags": ["B-brand", "B-model"]},
    ]
    assert [(row["term"], row["grade"]) for row in lines(out / "terms.jsonl")] == [
        ("red cups", 1.0),
        ("travel cups", 0.0),
        ("tumblers", 0.0),
    ]
    (title,) = lines(out / "titles.jsonl")
    assert title == {"query": "blue mugs", "term": "Cobalt Cup", "grade": 1.0}


def test_a_set_that_is_missing_is_named(data, labels, tmp_path):
    (data / "wands/query.csv").unlink()
    with pytest.raises(UsageError, match=r"wands/query\.csv not found: give --data the folder"):
        keyed.join(data, tmp_path / "out", labels)


def test_what_is_committed_can_be_read():
    def rows(name):
        with (keyed.LABELS / name).open(newline="") as file:
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    for name, found in (
        ("queries.tsv", rows("queries.tsv")),
        ("second_hand.tsv", rows("second_hand.tsv")),
        ("written", keyed.written_rows()),
    ):
        assert {row["intent"] for row in found} <= INTENTS
        assert {row["also"] for row in found} <= INTENTS | {""}
        assert {row["sentiment"] for row in found} == {"positive", "neutral", "negative"} or (
            name != "written" and {row["sentiment"] for row in found} <= {"neutral", "negative"}
        )
    judged = rows("terms.tsv")
    assert {name for row in judged for name in row if row[name]} - {"query"} == set(keyed.GRADES)
    grades = {row["grade"] for row in rows("titles.tsv")}
    assert grades == {"exact", "substitute", "complement", "irrelevant"}
