"""`evaluate expansion` measures what expansions add to a search, and the harm that they do."""

import gzip
import json

import numpy as np
import pytest

from triton_models.__main__ import main
from triton_models.evaluation import expansion
from triton_models.evaluation.bm25 import Index
from triton_models.evaluation.judged import judgements, products
from triton_models.settings import UsageError

PRODUCTS = [
    {"id": 1, "title": "running shoes", "attributes": {"color": "red"}},
    {"id": "2", "title": "jogging sneakers"},
    {"id": "3", "title": "shoe polish", "description": "for leather shoes"},
    {"id": "4", "title": "garden hose", "category": ["Garden"]},
]
RATINGS = """query,docid,rating
running shoes,1,3
running shoes,2,2
running shoes,3,0
hose,4,3
hose,9,3
unknown,1,1
"""
EVENTS = [
    {"query": "running shoes", "expansions": [{"term": "jogging sneakers", "score": 0.9}]},
    {"query": "hose", "expansions": []},
]


@pytest.fixture
def files(tmp_path):
    catalogue, ratings = tmp_path / "products.jsonl.gz", tmp_path / "ratings.csv"
    events = tmp_path / "events.jsonl"
    lines = "".join(json.dumps(product) + "\n" for product in PRODUCTS)
    catalogue.write_bytes(gzip.compress(lines.encode()))
    ratings.write_text(RATINGS)
    events.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return catalogue, ratings, events


def run(files, *more):
    catalogue, ratings, events = map(str, files)
    flags = ["--products", catalogue, "--judgements", ratings, "--enriched", events, *more]
    return main(["evaluate", "expansion", *flags])


def test_an_expansion_finds_what_the_words_do_not(files, capsys):
    assert run(files, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["documents"], found["queries"], found["expanded"]) == (4, 2, 1)
    recall = found["figures"]["recall@100"]
    assert recall["without"]["value"] == 0.75 and recall["with"]["value"] == 1
    assert recall["difference"]["value"] == 0.25
    ndcg = found["figures"]["ndcg@10"]
    assert ndcg["difference"]["value"] > 0.05 and found["harm"]["queries"] == 0


def test_harm_names_the_queries_that_lose(files, capsys, monkeypatch):
    monkeypatch.setattr(expansion, "WEIGHT", 50)
    wrong = [{"term": "garden polish hose leather", "score": 1.0}] * 2
    files[2].write_text(
        json.dumps({"query": "running shoes", "expansions": wrong})
        + "\n"
        + json.dumps(EVENTS[1])
        + "\n"
    )
    assert run(files) == 0
    printed = capsys.readouterr().out
    assert "NDCG lower by more than 0.05: 1" in printed
    assert "running shoes: garden polish hose leather" in printed


def test_the_weight_is_shared_among_the_expansions():
    scores = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 2.0])}.__getitem__
    assert expansion.added(scores, [("a", 0.8), ("b", 0.6)]) == pytest.approx([0.08, 0.12])
    assert expansion.added(scores, []) == 0


def test_scores_are_those_of_lucene():
    """idf ln(1 + (N - n + 0.5) / (n + 0.5)) times tf / (tf + k1 (1 - b + b length / mean))."""
    scores = Index(["red shoe", "shoes for running", "hat"]).scores("Shoes")
    idf = np.log(1 + 1.5 / 2.5)
    expected = [idf / (1 + 1.2 * (0.25 + 0.75 * length / 2)) for length in (2, 3)]
    assert scores == pytest.approx([*expected, 0], rel=1e-4)
    assert not Index(["red shoe"]).scores("???").any()


def test_ndcg_counts_only_documents_that_were_found(files):
    ids, _ = products(files[0])
    judged = judgements(files[1], ids)
    measured = expansion.measured([np.array([1.0, 0, 0, 0]), np.zeros(4)], judged)
    assert measured.ndcg[1] == 0 and measured.recall == pytest.approx([0.5, 0])
    best = 7 / (7 + 3 / np.log2(3))
    assert measured.ndcg[0] == pytest.approx(best)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("ratings.csv", "query,docid\nshoes,1\n", "ratings.csv:2: expected the columns"),
        ("ratings.csv", "query,docid,rating\nshoes,1,high\n", "found 'high', expected a number"),
        (
            "ratings.csv",
            "query,docid,rating\nshoes,1,2\nshoes,2,nan\n",
            "csv:3: rating: found 'nan'",
        ),
        ("ratings.csv", "query,docid,rating\nshoes,1,inf\n", "expected a number"),
        ("ratings.csv", "query,docid,rating\nshoes,1,1\n", "rated 2 or more"),
        ("events.jsonl", '{"query": "hose"}\n', "no event for 1 of the judged queries"),
        ("events.jsonl", "hose\n", "a file that `query-worker enrich` wrote"),
    ],
)
def test_a_wrong_file_is_named_with_the_remedy(files, capsys, name, text, told):
    (files[0].parent / name).write_text(text)
    assert run(files) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("line", ["{", "[]", '{"title": "x"}'])
def test_a_wrong_product_is_named_by_its_line(tmp_path, line):
    file = tmp_path / "products.jsonl"
    file.write_text('{"id": 1, "title": "x"}\n' + line)
    with pytest.raises(UsageError, match="products.jsonl:2: "):
        products(file)


def test_fields_without_text_are_refused(files, capsys):
    assert run(files, "--text", "name") == 2
    assert "no product has one of name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("expansion", "give --products and --judgements"),
        ("expansion --products p --judgements j --model m", "--model goes with a kind of model"),
        ("intent --products p", "--products goes with expansion"),
        ("expansion --products p --judgements j --language de", "--language goes with a kind"),
        ("expansion --products p --judgements j --confusions c", "--confusions goes with a kind"),
        ("expansion --out-of-scope x", "--out-of-scope goes with a kind of model"),
        ("matching --confusions c", "--confusions goes with --report, or with intent"),
        ("intent --target-precision 0.9", "--target-precision goes with --report"),
    ],
)
def test_options_of_something_else_are_refused(arguments, told, capsys):
    assert main(["evaluate", *arguments.split()]) == 2
    assert told in capsys.readouterr().err


def test_the_worker_itself_expands_the_queries():
    [sofa, nonsense] = expansion.enriched(["sofa", "zorvexa"], None)
    assert sofa and all(0 < score <= 1 for _, score in sofa)
    assert nonsense == []


def test_a_table_that_excel_wrote_and_a_lexicon_that_is_not_there(files, tmp_path, capsys):
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + files[1].read_bytes())
    ids, _ = products(files[0])
    assert judgements(marked, ids) == judgements(files[1], ids)
    with pytest.raises(UsageError, match=r"lexicon\.json: not found; correct the path"):
        expansion.enriched(["sofa"], tmp_path / "nowhere")
