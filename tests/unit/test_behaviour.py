"""The behavioural suite can fail, and the committed rates belong to the committed suite."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.behaviour import __main__ as behaviour
from tests.behaviour.checks import CHECKS, faults
from tests.behaviour.rows import SUITE, SuiteError, read_rows, row_faults

EVENT = {
    "intent": {"label": "browse"},
    "normalized_query": "red mens shoes 5 m under $50 not suede",
    "language": "en",
    "correction": {"query": "red shoes"},
    "expansions": [{"term": "running sneakers"}],
    "categories": [{"path": "Shoes > Running"}, {"path": "Clothing"}, {"path": "Toys"}],
    "exclusions": [{"term": "suede"}],
    "attributes": [
        {"name": "color", "value": "red"},
        {"name": "price", "value": "under 50 USD", "min": None, "max": 50, "currency": "USD"},
        {"name": "size", "value": "5 m", "min": 5, "max": 5, "unit": "m"},
    ],
}
RIGHT = {
    "intent": ["browse", "purchase"],
    "expand_any": ["trainers", "sneaker"],
    "not_expand": ["run", "boots"],
    "category_any": ["Clothing"],
    "not_category": ["Clothing"],
    "attributes": ["color=Red"],
    "not_attributes": ["color=blue", "material"],
    "exclusions": ["suede"],
    "price": {"min": None, "max": 50.0, "currency": "USD"},
    "range": {"name": "size", "min": 5, "max": 5},
    "language": ["en"],
    "normalized": EVENT["normalized_query"],
    "correction": ["red shoe", "red shoes"],
}
WRONG = {
    "intent": ["other"],
    "expand_any": ["trainers"],
    "not_expand": ["sneaker"],
    "no_expansion": True,
    "category_any": ["Toys"],
    "not_category": ["Shoe"],
    "no_category": True,
    "attributes": ["color=red", "color=blue"],
    "not_attributes": ["color"],
    "exclusions": ["leather"],
    "price": {"min": None, "max": 50, "currency": "GBP"},
    "range": {"name": "size", "min": 5, "max": None, "unit": "m"},
    "language": ["de"],
    "normalized": "red shoes",
    "correction": None,
}


def test_a_row_that_holds_has_no_faults():
    assert faults(RIGHT, EVENT) == []


@pytest.mark.parametrize("key", CHECKS)
def test_every_key_can_fail(key):
    assert len(faults({key: WRONG[key]}, EVENT)) == 1


def test_an_event_that_was_not_enriched_fails():
    assert faults({"no_expansion": True}, {"error": {"type": "empty_query"}})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"kind": "typo", "query": "x"}, "asks for nothing"),
        ({"query": "x", "intent": ["browse"]}, "`kind`"),
        ({"kind": "typo", "query": "x", "expand": ["a"]}, "unknown key `expand`"),
        ({"kind": "typo", "query": "x", "intent": ["buy"]}, "unknown intents"),
        ({"kind": "typo", "query": "x", "intent": "browse"}, '["browse", "purchase"]'),
        ({"kind": "typo", "query": "x", "price": {"max": 5}}, "form"),
        ({"kind": "typo", "query": "x", "attributes": ["red"]}, "name=value"),
        ({"kind": "typo", "query": "x", "expand_any": ["a"], "not_expand": ["a"]}, "both have"),
        ({"kind": "typo", "query": "x", "expand_any": ["a"], "no_expansion": True}, "cannot both"),
    ],
)
def test_a_wrong_row_is_refused_with_the_remedy(row, told):
    assert told in "; ".join(row_faults(row))


def test_a_wrong_suite_names_each_line(tmp_path):
    suite = tmp_path / "suite.jsonl"
    good = json.dumps({"kind": "typo", "query": "dres", "correction": "dress"})
    suite.write_text(f"{good}\n\nnot json\n[1]\n{good}\n")
    with pytest.raises(SuiteError) as error:
        read_rows(suite)
    for line in (3, 4, 5):
        assert f"{suite}:{line}: " in str(error.value)


def test_the_suite_has_600_rows_and_30_of_every_kind():
    rows = read_rows(SUITE)
    kinds = Counter(row["kind"] for row in rows)
    assert len(rows) >= 600 and len(kinds) == 21 and min(kinds.values()) >= 30


def test_the_summary_counts_what_failed():
    rows = [{"kind": kind, "query": kind, "intent": ["other"]} for kind in "aab"]
    failed = behaviour.failures(rows, [EVENT, {"intent": {"label": "other"}}, EVENT])
    result = behaviour.summary(rows, failed)
    assert result["kinds"] == {"a": [1, 2], "b": [0, 1]}
    assert (result["passed"], result["mean_of_kinds"]) == (1, 0.25)
    assert result["worst"] == {"kind": "b", "rate": 0.0}
    assert "b                         0 of    1   0.0%" in behaviour.table(result)


def test_the_runner_prints_failures_of_real_answers(tmp_path, capsys):
    suite = tmp_path / "suite.jsonl"
    rows = [
        {"kind": "right", "query": "{red shoes", "attributes": ["color=red"]},
        {"kind": "wrong", "query": "blue shoes", "attributes": ["color=red"]},
    ]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert behaviour.main(["--suite", str(suite), "--show", "3"]) == 0
    printed = capsys.readouterr().out
    assert "wrong: 'blue shoes'" in printed and "1 of    2" in printed


def test_a_failure_of_enrich_is_not_a_pass_rate(capsys):
    assert behaviour.main(["--kind", "typo", "--", "-c", "absent.toml"]) == 2
    assert "absent.toml" in capsys.readouterr().err


def test_the_recorded_rates_are_those_of_the_committed_suite():
    result = json.loads(behaviour.RESULT.read_text())
    kinds = Counter(row["kind"] for row in read_rows(SUITE))
    remedy = "run make behaviour ARGS=--record"
    assert result["suite"] == behaviour.digest(Path(SUITE)), remedy
    assert {kind: rows for kind, (_, rows) in result["kinds"].items()} == kinds, remedy
