"""docs/models.md shows files that are read as it says."""

import re
from pathlib import Path

import pytest

from triton_models.data import command, named, reading, texts
from triton_models.evaluation import dev, report_text, statistics
from triton_models.kinds.intent import examples
from triton_models.kinds.tagging import data
from triton_models.settings import LABELS, UsageError

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_example_is_read(tmp_path):
    readers = (
        lambda path: dev.labelled_queries(path, LABELS),
        lambda path: examples.read(str(path)),
        data.read,
        dev.judged_pairs,
        dev.judged_queries,
    )
    shown = re.findall(r"```jsonl\n(.*?)```", PAGE, re.S)
    for read, example in zip(readers, shown, strict=True):
        path = tmp_path / "example.jsonl"
        path.write_text(example)
        assert len(read(path)) == 2


TABLES = {
    "upper case": ("a.csv", "Query,LABEL,Style\nred shoes,look,plain\nit, buy ,plain\n", "utf-8"),
    "semicolons": ("a.csv", "query;label\nred, shoes;look\nit;buy \n", "utf-8"),
    "tabs": ("a.csv", "query\tlabel\nred; shoes\tlook\nit\tbuy\n", "utf-8-sig"),
    "commas": ("a.tsv", "query,label\nred\tshoes,look\nit,buy\n", "utf-8"),
    "no heading": ("a.csv", "red; shoes; now,look\nit,buy\n", "utf-8"),
    "an id in another case": ("a.csv", "text,label,Intent\nred,look,x1\nit,buy,x2\n", "utf-8"),
    "a list in a name": ("a.csv", 'text,"label (a|b|c)",intent\nred,a,look\nit,b,buy\n', "utf-8"),
    "columns that nobody reads": ("a.csv", "text,label,n,n\nred,look,1,2\nit,buy,,\n", "utf-8"),
    "a sentiment of their own": (
        "a.csv",
        "query,intent,Sentiment\nred,look,Pos\nit,buy,Neg\n",
        "utf-8",
    ),
    "utf-16": ("a.csv", "query;label\nred shoes;look\nit;buy\n", "utf-16"),
    "json lines": (
        "a.jsonl",
        '{"query":"red shoes","label":" look"}\n{"query":"it","label":"buy "}',
        "utf-16",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_every_reader_takes_what_spreadsheets_write(case, tmp_path):
    name, text, encoding = TABLES[case]
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    assert [e.labels for e in examples.read(str(path))] == [("look",), ("buy",)]
    assert [row["intent"] for row in dev.labelled_queries(path, ("look", "buy"))] == ["look", "buy"]
    if "heading" not in case:
        read = reading.read(command.manifest_of(path)).queries
        assert [row.intent for row in read] == ["look", "buy"]
        texts.read([path])


def test_a_label_may_be_a_number(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"query": "a", "label": 3}\n{"query": "b", "label": 4.0}\n')
    assert [e.labels for e in examples.read(str(path))] == [("3",), ("4",)]
    assert [row["intent"] for row in dev.labelled_queries(path, ("3", "4"))] == ["3", "4"]


@pytest.mark.parametrize("read", [examples.read, lambda path: dev.labelled_queries(path, "ab")])
@pytest.mark.parametrize("columns", [("text", "label"), ("query", "lable")])
def test_columns_that_are_not_there_are_refused(read, columns, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("query,label\nx,a\n")
    with pytest.raises(UsageError, match=r"no column '(text|lable)', there are: query, label"):
        read(named.Place(path, columns))
    path.write_text("query,query,label\nx,y,a\n")
    with pytest.raises(UsageError, match="a.csv:1: the column 'query' is there twice; rename one"):
        read(path)
    path.write_text("Query,QUERY,label\nx,y,a\n")
    with pytest.raises(
        UsageError, match="a.csv:1: the column 'query' is there twice, as Query and"
    ):
        read(path)


@pytest.mark.parametrize("text", ["red shoe; blue\nhat; green\n", "red shoes;look\nit;buy\n"])
def test_a_sign_in_a_query_makes_no_label(text, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    told = "a.csv:1: no heading, and 1 of 2 columns; begin the file with a line of their names"
    for read in (examples.read, lambda path: dev.labelled_queries(path, ())):
        with pytest.raises(UsageError, match=told):
            read(path)
    path.write_text("query;intent\n" + text)
    assert [e.labels for e in examples.read(path)] == [
        (line.partition(";")[2].strip(),) for line in text.splitlines()
    ]


def test_a_manifest_tells_the_delimiter_by_its_columns(tmp_path):
    (tmp_path / "a.csv").write_text("Frage;Thema, laut Team\nrote, Schuhe;look\n")
    path = tmp_path / "data.toml"
    path.write_text(
        """[[source]]
name = "a"
path = "a.csv"
format = "queries"
licence = "own"
split = "train"
columns = { query = "Frage", intent = "Thema, laut Team" }
"""
    )
    [row] = reading.read(command.manifest_of(path)).queries
    assert (row.query, row.intent) == ("rote, Schuhe", "look")


def test_columns_that_no_format_needs_are_read_in_their_usual_spelling(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('query,title,clicks,Impressions\nsofa,couch,3,"1,200"\n')
    [click] = reading.read(command.manifest_of(path)).clicks
    assert (click.clicks, click.impressions) == (3, None)


def test_a_column_that_another_goes_before_may_be_there_twice(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("query,text,text,label\nred,1,2,look\n")
    assert [(e.text, e.labels) for e in examples.read(path)] == [("red", ("look",))]


def test_of_columns_the_given_ones_are_asked_for_once(tmp_path, monkeypatch):
    path, times = tmp_path / "a.csv", []
    path.write_text("text,topic\n" + "red shoes,look\n" * 100)
    monkeypatch.setattr(named, "require", lambda *given: times.append(given))
    assert len(list(named.rows(named.Place(path, ("text", "topic")), "queries"))) == 100
    assert len(times) == 1


def test_every_section_of_a_report_is_explained():
    made = {"confusion": "Confusions", "labels": "By label", "latency_ms": "Latency"}
    made |= {"curve": "Precision and recall", "errors": "Typical errors"}
    told = re.search(r"## Reading a report\n(.*?)\n## ", PAGE, re.S)[1]
    for name in report_text.SECTIONS:
        assert made.get(name, name.replace("_", " ").capitalize()) in told, name
    assert "1,000 bootstrap" in told and statistics.SAMPLES == 1000
