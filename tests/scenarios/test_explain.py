"""`query-worker explain`: what it tells is what `enrich` publishes, with the reasons."""

import json

import pytest

from tests import program


def test_it_explains_what_enrich_publishes():
    query = "red running shoes"
    found = json.loads(program.run("explain", query, "--json").stdout)["candidates"]
    threshold = round(max(c["score"] for c in found) - 1e-4, 4)  # so that not all are kept
    strict = ("--set", f"understanding.match_threshold={threshold:g}")
    explained = json.loads(program.run("explain", query, "--json", *strict).stdout)
    event = json.loads(program.run("enrich", *strict, text=query).stdout)
    assert explained["intent"]["label"] == event["intent"]["label"]
    assert explained["intent"]["score"] == pytest.approx(event["intent"]["confidence"], abs=0.02)
    kept = {c["term"]: c["score"] for c in explained["candidates"] if c["verdict"] == "kept"}
    expansions = {e["term"]: e["score"] for e in event["expansions"]}
    assert kept and kept == pytest.approx(expansions, abs=0.01)
    dropped = [c for c in explained["candidates"] if c["verdict"] != "kept"]
    assert dropped and all(c["verdict"] == f"below {threshold:g}" for c in dropped)
    assert all(c["score"] < threshold for c in dropped)
    assert explained["match"]["term"] == explained["candidates"][0]["candidate"]
    assert {word["part"] for word in explained["match"]["words"]} == {"query", "term"}


def test_it_reads_well_and_takes_another_term():
    done = program.run("explain", "Red  COUCH", "--term", "garden hose")
    assert done.returncode == 0, done.stderr
    for text in ("red couch", "Candidates", "another name of", "kept", "garden hose", "no match"):
        assert text in done.stdout


def test_it_tells_what_found_each_attribute_and_what_the_tagging_model_said():
    query = "brindolo baby wash 500ml not lavender"
    found = json.loads(program.run("explain", query, "--json").stdout)
    event = json.loads(program.run("enrich", text=query).stdout)
    published = [(a["name"], a["value"]) for a in event["attributes"]]
    values = [(v["name"], v["value"]) for v in found["values"] if v["name"] != "excluded"]
    assert published and values == published
    by = {value["name"]: value["by"] for value in found["values"]}
    tags = {tag["tag"]: tag for tag in found["tags"]}
    assert tags["brand"]["text"] == "brindolo"
    assert by == {
        "brand": f"tagging, {tags['brand']['probability']:.2f}",  # no list has it
        "product": f"tagging, {tags['product']['probability']:.2f}",
        "quantity": "lexicon",
        "excluded": "lexicon",
    }
    without = ("--set", "inference.tagging=false")
    assert json.loads(program.run("explain", query, "--json", *without).stdout)["tags"] == []


def test_it_tells_which_term_a_category_is_of():
    query = "red running shoes"
    [told] = json.loads(program.run("explain", query, "--json").stdout)["categories"]
    event = json.loads(program.run("enrich", text=query).stdout)
    assert [told["path"]] == [category["path"] for category in event["categories"]]
    assert told["term"] == "running shoes"
    assert told["published"] == pytest.approx(event["categories"][0]["score"], abs=0.01)
    assert "Categories" in program.run("explain", query).stdout


def test_a_misspelt_query_is_explained_as_it_is_corrected():
    found = json.loads(program.run("explain", "snekaers for women", "--json").stdout)
    assert found["correction"] == "sneakers for women"
    assert "Read as: sneakers for women" in program.run("explain", "snekaers for women").stdout


def test_settings_count_and_no_candidate_is_no_fault():
    flags = ["--set", "understanding.max_candidates=0"]
    done = program.run("explain", "red couch", *flags)
    assert done.returncode == 0 and "Match" not in done.stdout
    assert "held back: more than understanding.max_candidates (sofa, for couch)" in done.stdout


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("hoover", "held back: brand (vacuum cleaner, for hoover)"),
        ("red shoes", "none: the lexicon has no other name for shoes"),
        ("qwzzk", "none: no term of the lexicon is in the query or similar to it"),
    ],
)
def test_it_tells_why_there_is_no_candidate(query, reason):
    assert reason in program.run("explain", query, "--set", "inference.tagging=false").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([" "], "has 0 visible characters; give 1 to 1000"),
        (["x" * 1001], "has 1001 visible characters"),
        (["sofa", "--term", " "], "no visible character"),
        ([], "Missing argument 'QUERY'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message):
    done = program.run("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_every_model_that_is_missing_is_reported():
    done = program.run("explain", "sofa", "--set", "inference.models=/nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    missing = [line for line in done.stderr.splitlines() if ": not found; export" in line]
    assert len(missing) == 3 == len(done.stderr.splitlines())


def test_help_has_an_example():
    done = program.run("explain", "--help")
    assert done.returncode == 0 and 'query-worker explain "red running shoes"' in done.stdout
