"""Files for `predict`: what is a column of theirs, what a query, and what cannot be read."""

import gzip
import json

import pytest

from tests.unit.triton_models.test_predict import predicted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "red shoes; size 9\nblue hat\n"),
        ("a.csv", "red | shoes\nblue\that\n"),
        ("a.tsv", "red shoes, size 9\nblue hat\n"),
        ("a.txt", '["sale"]\n[1]\n'),
    ],
)
def test_what_stands_in_queries_does_not_part_them(capfdbinary, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    code, rows, _ = predicted(capfdbinary, "intent", tmp_path / name)
    assert (code, [row["query"] for row in rows]) == (0, text.splitlines())


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("foo", "a.csv: no column 'foo', there are: q, label; correct --columns"),
        ("q,label,id", "--columns q,label,id: name 1 column, as --columns query"),
    ],
)
def test_columns_that_are_not_there_are_named(capfdbinary, tmp_path, columns, told):
    (tmp_path / "a.csv").write_text("q,label\nsofa,buy\n")
    code, _, error = predicted(capfdbinary, "intent", tmp_path / "a.csv", "--columns", columns)
    assert code == 2 and told in error


def test_a_document_is_read_where_a_text_stands_beside_it(capfdbinary, tmp_path):
    rows = [
        {"document": "Red running shoe", "text": "long text"},
        {"text": "long text"},
        {"Query": "shoe", "document": "Red running shoe"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, found, _ = predicted(capfdbinary, "encoder", tmp_path / "a.jsonl")
    told = [{name: row[name] for name in row.keys() - {"vector"}} for row in found]
    assert (code, told) == (
        0,
        [{"document": "Red running shoe"}, {"query": "long text"}, {"query": "shoe"}],
    )


def test_a_packed_file_that_is_broken_is_named(capfdbinary, tmp_path):
    for name, data in ("a.txt.gz", b"sofa\n"), ("b.txt.gz", gzip.compress(b"sofa\n")[:-9]):
        (tmp_path / name).write_bytes(data)
        code, _, error = predicted(capfdbinary, "intent", tmp_path / name)
        assert code == 2 and f"{name}: cannot be read (" in error
