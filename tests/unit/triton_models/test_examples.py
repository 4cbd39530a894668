"""Labelled queries with any labels: formats, columns, faults told by line, and the split."""

import json
from collections import Counter

import pytest

from triton_models.data import dataset
from triton_models.data.named import Place
from triton_models.data.split import FEWEST, is_dev, too_rare
from triton_models.kinds.intent import examples
from triton_models.kinds.intent.examples import Example
from triton_models.settings import UsageError

WANTED = [Example("red shoes", ("look",)), Example("buy, now", ("buy",))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'text,category\nred shoes,look\n"buy, now",buy\n'),
        ("a.csv", '\ufeffid,intent,query\n1,look,red  shoes\n2,buy,"buy, now"\n'),
        ("a.csv", 'query, intent\nred shoes, look\n"buy, now",buy \n'),
        ("a.tsv", "query\tintent\nred shoes\tlook\nbuy, now\tbuy\n"),
        ("a.tsv", "red shoes\tlook\nbuy, now\tbuy\n"),
        ("a.jsonl", '{"query": "red shoes", "intent": "look"}\n\n["buy, now", "buy"]\n'),
        ("a.json", '[["red shoes", "look"], {"text": "buy, now", "label": "buy"}]'),
    ],
)
def test_formats(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert examples.read(str(tmp_path / name)) == WANTED


def test_named_columns_and_lists(tmp_path):
    (tmp_path / "a.csv").write_text("q,c\nred shoes,look\n")
    assert examples.read(Place(tmp_path / "a.csv", ("q", "c"))) == WANTED[:1]
    parts = {"train": [["red shoes", "look"]], "oos": [["buy, now", "buy"]], "note": "x"}
    (tmp_path / "b.json").write_text(json.dumps(parts))
    assert examples.read(f"{tmp_path}/b.json:train+oos") == WANTED
    with pytest.raises(UsageError, match="b.json:train[+]oos"):
        examples.read(f"{tmp_path}/b.json")


def test_whatever_a_run_learns_from_tells_it_from_another():
    found = {
        examples.digest([Example("red shoes", ("look",), "mine", category, weight)])
        for category in ("", "shoes")
        for weight in (1.0, 2.0)
    }
    assert len(found) == 4


def test_a_category_stands_beside_the_label(tmp_path):
    (tmp_path / "a.csv").write_text("text,intent,category\nred shoes,look,Shoes\nhi,chat,\n")
    (tmp_path / "b.csv").write_text("text,category\nred shoes,look\n")
    assert [e.category for e in examples.read(f"{tmp_path}/a.csv")] == ["Shoes", ""]
    assert [(e.category, e.labels) for e in examples.read(f"{tmp_path}/b.csv")] == [("", ("look",))]


def test_a_manifest_gives_sides_sources_weights_and_categories(tmp_path):
    row = '{{"query": "red shoes", "intent": {}, "category": "Shoes"}}\n'
    (tmp_path / "mine.jsonl").write_text(row.format('["look"]'))
    (tmp_path / "dev.csv").write_text("query,intent\nlate parcel,complain\n")
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(
        '[[source]]\nname="mine"\npath="mine.jsonl"\nformat="queries"\nlicence="own"\n'
        'split="train"\nweight=2\n[[source]]\nname="dev"\npath="dev.csv"\nformat="queries"\n'
        'licence="own"\nsplit="dev"\n'
    )
    data = dataset.load(manifest)
    learned, dev = examples.of_manifest(data)
    assert vars(learned[0]) == vars(Example("red shoes", ("look",), "mine", "Shoes", 2.0))
    assert vars(dev[0]) == vars(Example("late parcel", ("complain",), "dev"))
    (tmp_path / "mine.jsonl").write_text(row.format('["look", "buy"]'))
    with pytest.raises(UsageError, match="mine.jsonl:1: 'red shoes' has 2 labels"):
        examples.of_manifest(dataset.load(manifest))


def test_several_labels_are_refused(tmp_path):
    (tmp_path / "none.jsonl").write_text('{"query": "hm", "labels": []}')
    (tmp_path / "two.jsonl").write_text('{"query": "hm", "labels": ["a", "b"]}')
    for name, told in (("none", "0 labels"), ("two", "2 labels; a query has one")):
        with pytest.raises(UsageError, match=f"{name}.jsonl:1: {told}"):
            examples.read(f"{tmp_path}/{name}.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "text,category\nred,look\n,buy\n", "a.csv:3: no text in it"),
        ("a.csv", "text,category,id\nred,look\n", "a.csv:2"),
        ("a.tsv", "id\tquestion\tclass\n1\tred\tlook\n", "a.tsv:2.*--columns"),
        ("a.jsonl", '{"query": "a", "intent": "b"}\n{', "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"query": "a", "intent": {}}', "a.jsonl:1: no intent in it, found {}"),
        ("a.csv", "query,intent,category\na,,Hats\n", "a.csv:2: no intent in it, found ''"),
        ("a.csv", "text,label\na,\nb,look\nc, \n", "2 faults\n.*:2: no label.*\n.*:4: no label"),
        ("a.jsonl", "3", "a.jsonl:1"),
        ("a.json", "3", "a.json: "),
        ("a.csv", "query,locale\na,de\nb,de\n", "a.csv:2: no intent or .*give --columns$"),
        ("a.csv", "", "no labelled query"),
    ],
)
def test_faults_name_the_line(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=told):
        examples.read(str(tmp_path / name))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        examples.read(str(tmp_path / "none.csv"))


def test_the_split_is_by_query_and_nothing_of_dev_is_learned():
    found = [Example(f"query {i}", ("a",)) for i in range(1000)]
    learned, dev = examples.split(found)
    assert 120 < len(dev) < 180
    assert not {e.text for e in learned} & {e.text for e in dev}
    assert examples.split(found[::-1])[1] == dev[::-1]
    assert examples.without([Example("Red-shoes?", ("a",))], WANTED) == []
    assert examples.without([Example("???", ("a",))], WANTED) == [Example("???", ("a",))]


def test_a_rare_label_stays_with_what_is_learned():
    """Of four queries of a label two are learned at least, wherever their hashes fall."""
    rare = [Example(f"odd {i}", (f"rare {i // 4}",)) for i in range(200)]
    common = [Example(f"query {i}", ("common",)) for i in range(400)]
    by_hash = {e.text for e in rare + common if is_dev(e.text)}
    learned, dev = examples.split([*rare, *common])
    counts = Counter(e.labels[0] for e in learned)
    assert min(counts[f"rare {i}"] for i in range(50)) >= FEWEST
    assert {e.text for e in dev} <= by_hash and len(by_hash) - len(dev) <= 5
    assert {e for e in dev if e.labels == ("common",)} == {e for e in common if is_dev(e.text)}


def test_labels_that_are_too_rare_are_named():
    assert too_rare(["a", "a", "b", "c", "c", "c"]) == "'b' (1): fewer than 2 queries to learn from"
    assert too_rare(["a", "a"]) == ""
    assert "and 3 more" in too_rare(f"label {i}" for i in range(8))
