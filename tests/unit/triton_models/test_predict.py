"""`predict`: a line out for each line in, in order, and the same answers as the worker's."""

import errno
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import program
from triton_models import contract
from triton_models.__main__ import main
from triton_models.data import drafts
from triton_models.serving import predict
from triton_models.serving.predictor import load
from triton_models.settings import STARTER
from worker.understanding import evidence, pipeline
from worker.understanding.decide import REPLACED_WEIGHT, WEIGHTS, Expander

QUERIES = [
    "where is my refund",
    "red running shoes",
    "Sony WH-1000XM5 BLACK",
    "do you ship to canada?",
    "ＣＨＥＡＰ  sofá",  # full-width letters, two spaces, an accent
    "play some jazz",
    "couch",
    "fanny pack",
    "flashlight",
    "duct tape",
    "shaving cream",
]


def predicted(capfdbinary, *arguments):
    code = main(["predict", *map(str, arguments)])
    out, error = capfdbinary.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], error.decode()


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_queries_are_read_in_the_workers_normal_form(text):
    assert predict.normal_form(text) == pipeline.normal_form(text)


def test_the_same_answers_as_enrich(capfdbinary, tmp_path):
    file = tmp_path / "queries.txt"
    file.write_text("\n".join(QUERIES))
    done = program.run("enrich", str(file))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    code, intents, _ = predicted(capfdbinary, "intent", file)
    assert code == 0 and [row["query"] for row in intents] == QUERIES
    for row, event in zip(intents, events, strict=True):
        assert row["label"] == event["intent"]["label"]
        assert row["scores"] == pytest.approx(event["intent"]["scores"], abs=0.02)
        assert row["confidence"] == max(row["scores"].values())

    # Of a query that is a term and no more, the term is replaced as a whole.
    whole = [e for e in events if e["query"] in QUERIES[-5:]]
    expansions = [(e["normalized_query"], x["term"]) for e in whole for x in e["expansions"]]
    file.write_text("".join(f"{query}\t{query}\n" for query, _ in expansions))
    replaced = [row["score"] for row in predicted(capfdbinary, "matching", file)[1]]
    file.write_text("".join(f"{query}\t{term}\n" for query, term in expansions))
    code, pairs, _ = predicted(capfdbinary, "matching", file)
    assert code == 0 and [(row["query"], row["term"]) for row in pairs] == expansions
    neutral = contract.load(STARTER / "matching").threshold
    judge = Expander(None, 8, 0.5, 0.9, 8, neutral)
    priors = [
        evidence.of_synonym(several, True, agree, True)
        for several in (False, True)
        for agree in range(evidence.NEAREST + 1)
    ]
    published = [x for e in whole for x in e["expansions"]]
    for row, of_query, expansion in zip(pairs, replaced, published, strict=True):
        assert expansion["source"] == "synonym"
        said = (row["score"], WEIGHTS["synonym"]), (of_query, REPLACED_WEIGHT)
        wanted = pytest.approx(expansion["score"], abs=0.01)
        assert wanted in [judge.probability(prior, *said) for prior in priors]
    assert len(pairs) > 5 and {row["match"] for row in pairs} == {True, False}
    assert all(row["match"] == (row["score"] >= neutral) for row in pairs)


def test_a_bad_line_comes_out_in_its_place_and_the_end_is_exit_code_1(capfdbinary, tmp_path):
    lines = [
        b"\xef\xbb\xbfred shoes\r",
        b'{"query": "blue sofa", "page": 3}',
        b'{"query": ',
        b"",
        b'{"query": 5}',
        b"\xff\xfe",
        b"x" * (predict.LONGEST_LINE + 5),
        b" \x00\t",
        b"last, without an end",
    ]
    file, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    file.write_bytes(b"\n".join(lines))
    code, rows, error = predicted(capfdbinary, "intent", file, "--out", out)
    assert (code, rows) == (1, [])
    assert error == (
        "triton_models predict: 6 of 9 lines could not be answered: see their `error`\n"
    )
    rows = [json.loads(line) for line in out.read_bytes().splitlines()]
    told = [row.get("query") or (row["line"], row["error"].split(":")[0]) for row in rows]
    missing = "no `query` in it"
    assert told == [
        "red shoes",
        "blue sofa",
        (3, "not JSON"),
        (4, missing),
        (5, missing),
        (6, "not UTF-8 at byte 0"),
        (7, f"longer than {predict.LONGEST_LINE} bytes"),
        (8, missing),
        "last, without an end",
    ]
    assert len(rows[6]["input"]) == predict.SHOWN


def test_a_pair_may_be_json_with_a_title_or_lack_its_term(capfdbinary, tmp_path):
    file = tmp_path / "pairs"
    file.write_text('{"query": "sofa", "title": "couch"}\nsofa\tgarden hose\nsofa\nsofa\t \n')
    code, rows, _ = predicted(capfdbinary, "matching", file)
    assert code == 1
    assert [row.get("match") for row in rows] == [True, False, None, None]
    assert rows[0]["term"] == "couch" and "no `term`" in rows[2]["error"]


@pytest.mark.parametrize(
    ("name", "text", "queries", "terms"),
    [
        (
            "a.csv",
            'id,query\n1,red shoes\n2,"blue, soft sofa"\n',
            ["red shoes", "blue, soft sofa"],
            [],
        ),
        ("a.csv", "red shoes\nblue sofa\n", ["red shoes", "blue sofa"], []),
        ("a.tsv", "title\tquery\ncouch\tsofa\n", ["sofa"], ["couch"]),
        ("a.tsv", "sofa\tcouch\nshoe\ttrainer\n", ["sofa", "shoe"], ["couch", "trainer"]),
    ],
)
def test_a_table_has_a_heading_or_the_columns_of_the_kind(
    capfdbinary, tmp_path, name, text, queries, terms
):
    file = tmp_path / name
    file.write_text(text)
    code, rows, _ = predicted(capfdbinary, "matching" if terms else "intent", file)
    assert code == 0
    assert [row["query"] for row in rows] == queries
    assert [row["term"] for row in rows if terms] == terms


JSON = b'[{"query": "red shoes"},\n{"text": "blue, soft sofa"}]'
LABELLED = "Query{0}Topic\nred shoes{0}look\nblue, soft sofa{0}buy\n"


@pytest.mark.parametrize(
    ("name", "data", "columns"),
    [
        ("a.csv", LABELLED.format(";").encode(), ()),
        ("a.csv", LABELLED.format("\t").encode("utf-16"), ()),
        ("a.tsv", LABELLED.format("\t").encode("utf-16"), ()),
        ("a.csv", LABELLED.format(";").replace("Query", "q").encode(), ("--columns", "q")),
        ("a.csv", LABELLED.format(";").replace("Query", "q").encode(), ("--columns", "Q,topic")),
        ("a.csv", LABELLED.format(";").replace("Query", "Text").encode(), ()),
        ("a.json", JSON, ()),
        ("a.json", JSON.decode().encode("utf-16"), ()),
        ("a.json.gz", gzip.compress(JSON, mtime=0), ()),
        ("a.txt.gz", gzip.compress(b"red shoes\nblue, soft sofa\n", mtime=0), ()),
        ("a.csv", b'Query,text,intent\nx1,red shoes,look\nx2,"blue, soft sofa",buy\n', ()),
        ("a.csv", b'text,"label (look|buy|ask)"\nred shoes,look\n"blue, soft sofa",buy\n', ()),
        ("a.tsv", b"text\tlabel (a, b, c)\nred shoes\ta\nblue, soft sofa\tb\n", ()),
        (
            "a.csv",
            b"Suchtext;Preis in EUR, brutto, netto\nred shoes;1\nblue, soft sofa;2\n",
            ("--columns", "suchtext"),
        ),
        ("a.csv", b'query,note,note\nred shoes,1,2\n"blue, soft sofa",3,4\n', ()),
        ("a.txt", "red shoes\r\nblue, soft sofa".encode("utf-16"), ()),
    ],
)
def test_a_file_is_read_as_those_that_are_learned_from(capfdbinary, tmp_path, name, data, columns):
    (tmp_path / name).write_bytes(data)
    code, rows, _ = predicted(capfdbinary, "intent", tmp_path / name, *columns)
    assert (code, [row["query"] for row in rows]) == (0, ["red shoes", "blue, soft sofa"])


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "query,query\nred,blue\n", "a.csv:1: the column 'query' is there twice"),
        ("a.csv", "red shoes,look\nsofa,buy\n", "no column of queries, there are: 'red shoes', 'l"),
        ("a.csv", "note;label\nsofa;buy\n", "there are: 'note', 'label'; name yours"),
        ("a.csv", "Query,QUERY\nred,x1\n", "'query' is there twice, as Query and QUERY; rename"),
        ("a.csv", "frage,thema\nsofa,buy\n", "name yours: --columns query"),
    ],
)
def test_a_table_that_cannot_be_asked_is_refused_as_a_whole(
    capfdbinary, tmp_path, name, text, told
):
    (tmp_path / name).write_text(text)
    given = "intent", tmp_path / name, "--out", tmp_path / "out.jsonl"
    code, _, error = predicted(capfdbinary, *given)
    assert code == 2 and told in error
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_line_that_is_a_json_array_is_no_query(capfdbinary, tmp_path):
    (tmp_path / "a.jsonl").write_text('[{"query": "sofa"}]\n[new] sofa\n')
    code, rows, _ = predicted(capfdbinary, "intent", tmp_path / "a.jsonl")
    assert code == 1 and rows[1]["query"] == "[new] sofa"
    assert rows[0]["error"].startswith("a JSON array; write one object a line")
    (tmp_path / "a.txt").write_text('[{"query": "sofa"}]\n')
    assert predicted(capfdbinary, "intent", tmp_path / "a.txt")[1][0]["error"] == rows[0]["error"]


def test_what_is_interrupted_has_not_the_name_of_what_is_whole(capfdbinary, tmp_path, monkeypatch):
    file, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    file.write_text("red shoes\n" * 40)
    out.write_text("before\n")

    def stop(predictor, source, sink, progress):
        sink.write(b"answered\n")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(predict, "predict", stop)
        code, _, error = predicted(capfdbinary, "intent", file, "--out", out)
    [part] = tmp_path.glob("out.jsonl.*.part")
    assert code == 130 and f"interrupted; what was answered is in {part}" in error
    assert (out.read_text(), part.read_text()) == ("before\n", "answered\n")
    assert predicted(capfdbinary, "intent", file, "--out", out)[0] == 0
    assert len(out.read_bytes().splitlines()) == 40
    assert sorted(tmp_path.iterdir()) == sorted([file, out, part])  # what was answered is kept


def test_no_draft_stays_when_the_disk_is_full(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(OSError, match="No space left"), drafts.written(out) as file:
        file.write(b"answered\n")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_no_file_is_lost_that_is_called_as_a_draft(capfdbinary, tmp_path):
    file, out = tmp_path / "q.part", tmp_path / "q"
    file.write_text("red hat\nblue hat\n")
    assert predicted(capfdbinary, "intent", file, "--out", out)[0] == 0
    assert file.read_text() == "red hat\nblue hat\n"
    assert len(out.read_bytes().splitlines()) == 2
    assert sorted(tmp_path.iterdir()) == [out, file]


def test_a_table_row_that_is_broken_comes_out_in_its_place(capfdbinary, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("query,id\nred shoes,1\nblue sofa\n ,3\nlamp,4\n")
    code, rows, _ = predicted(capfdbinary, "intent", file)
    assert code == 1
    assert [row.get("query") for row in rows] == ["red shoes", None, None, "lamp"]
    assert rows[1]["error"].startswith("1 columns, the first line has 2")
    assert "no `query` in it" in rows[2]["error"]
    assert [row["line"] for row in rows[1:3]] == [3, 4]


def test_vectors_are_unit_length_and_in_order(capfdbinary, tmp_path):
    file = tmp_path / "queries"
    file.write_text("sofa\na very comfortable grey couch for five people\ncouch\n")
    code, rows, _ = predicted(capfdbinary, "encoder", file, "--batch", 1)
    vectors = np.array([row["vector"] for row in rows])
    assert code == 0 and vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    alone = load(STARTER / "encoder", "encoder").run(["couch"])[0]
    assert vectors[2] == pytest.approx(alone, abs=1e-5)


def test_no_more_is_read_than_the_next_chunk():
    class Endless:
        """Stdin that never ends; counts what was taken."""

        def __init__(self):
            self.lines = 0

        def readline(self, limit):
            self.lines += 1
            return b"\n"

    class Full(io.BytesIO):
        def flush(self):
            raise BrokenPipeError

    predictor, source = load(STARTER / "intent", "intent", batch=2), Endless()
    with pytest.raises(BrokenPipeError):
        lines = predict.lines_of(Path("queries.txt"), source, pair=False)
        predict.predict(predictor, lines, Full(), lambda count: None)
    assert source.lines == predict.BATCHES * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["intent", "/nowhere"], "cannot be read (No such file or directory); name a file"),
        (["intent", "."], "cannot be read (Is a directory); name a file"),
        (["intent", "in", "--out", "in"], "in: the file that is read; give --out another"),
        (["intent", "in", "--out", "/nowhere/x"], "give --out another folder"),
        (["intent", "in", "--batch", "257"], "allows --batch 256 at most"),
        (["intent", "in", "--model", str(STARTER / "encoder")], "of kind encoder, not intent"),
        (["intent", "in", "--model", "/nowhere"], "export the model"),
    ],
)
def test_wrong_usage_is_one_line(capfdbinary, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").write_text("red shoes\n")
    code, rows, error = predicted(capfdbinary, *arguments)
    assert (code, rows) == (2, []) and told in error and error.count("\n") == 1
    assert (tmp_path / "in").read_text() == "red shoes\n"
