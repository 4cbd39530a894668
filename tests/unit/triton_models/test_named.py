"""Files of labelled queries and judged pairs: tables without a heading, and other encodings."""

import gzip
import json

import pytest

from triton_models.__main__ import main
from triton_models.data import named
from triton_models.settings import UsageError

TOLD = "its columns are of no format that we know: {}; give --columns for queries or pairs"


def read(path, form="queries"):
    return [row for _, row in named.rows(path, form)]


@pytest.mark.parametrize(
    ("form", "heading", "rows"),
    [
        ("queries", "Anfrage,Thema", ["wo ist mein Paket,Lieferung", "Schuhe,Kauf"]),
        ("queries", "customer_query,label", ["red shoes,look", "shoes,look"]),
        ("pairs", "Anfrage,Artikel,Note", ["Sofa,Couch,1", "Sofa,Säge,0"]),
    ],
)
def test_a_heading_of_unknown_names_is_not_learned_as_a_row(form, heading, rows, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read(path, form)
    needed = named.needed_of(form)
    assert TOLD.format(heading.replace(",", ", ")) in str(refused.value)
    assert f"begin the file with the line {','.join(needed)}" in str(refused.value)
    assert len(read(named.Place(path, heading.split(",")), form)) == len(rows)
    path.write_text("\n".join([",".join(needed), heading, *rows]) + "\n", encoding="utf-8")
    assert len(read(path, form)) == len(rows) + 1


@pytest.mark.parametrize(
    "rows",
    [
        ["red shoes,look", "where is it,ask", "buy it,buy"],  # words that are no name of a column
        ["shoes,look", "where is it,ask", "boots,look"],  # a label that comes again
        ["shoes,look"],  # nothing to compare with
    ],
)
def test_a_table_without_a_heading_is_read(rows, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows) + "\n")
    found = [f"{row['query']},{row['intent']}" for row in read(path)]
    assert found == rows


def test_finetune_says_of_a_heading_what_data_says(tmp_path, capsys):
    path = tmp_path / "b.csv"
    path.write_text("Anfrage,Thema\nwo ist es,Lieferung\nrote Schuhe,Kauf\n")
    for command in (["data", str(path)], ["evaluate", "intent", "--dev", str(path)]):
        assert main(command) == 2
        assert TOLD.format("Anfrage, Thema") in capsys.readouterr().err


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_text_that_is_not_utf_8_is_named_by_line(pack, tmp_path, capsys):
    path = tmp_path / ("b.csv.gz" if pack is gzip.compress else "b.csv")
    lines = ["query,intent", *["red shoes,look"] * 9000, "schöne Schuhe,look"]
    path.write_bytes(pack("\n".join(lines).encode("latin-1")))
    told = f"{path}:9002: not UTF-8 (byte 0xf6); save the file as UTF-8"
    with pytest.raises(UsageError) as refused:
        read(path)
    assert str(refused.value) == told
    assert main(["data", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_one_line_of_json_lines_that_is_not_utf_8_is_named_too(tmp_path):
    path = tmp_path / "b.jsonl"
    good = json.dumps({"query": "red shoes", "intent": "look"}).encode()
    path.write_bytes(good + b"\n" + good.replace(b"red", b"r\xfcd") + b"\n")
    with pytest.raises(UsageError, match=":2: not UTF-8"):
        read(path)
