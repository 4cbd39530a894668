"""What the worker makes of a shop's synonym rules: digits in them, equal names, categories."""

import numpy as np
import pytest

from tests.unit.lexicon.test_building_make import _no_bar
from worker.commands.rules_unused import rules_unused
from worker.config.settings import STARTER_MODELS
from worker.lexicon.building import make
from worker.lexicon.inspect import Inspector
from worker.lexicon.lexicon import Lexicon
from worker.understanding.decide import Expander
from worker.understanding.held_back import held_back

RULES = r"""gizmo => mp3 player
1080p, full hd
telly => 55 inch tv
iphone 12, iphone 13
zorp, zorp 13
nokia 3310, brick phone
cpu, processor, cpus
foo\,bar, baz
satchel => tote satchel, belt satchel
"""
ROWS = "".join(f"{n},Acme Processor Box {n} W,Acme,Parts > CPUs\n" for n in range(9))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.txt").write_text(RULES)
    (folder / "a.csv").write_text("id,title,brand,category\n" + ROWS)
    (folder / "paths.txt").write_text("Fridges > Bar\n")
    (folder / "terms.txt").write_text("processor\n")
    given = [folder / "a.csv"], [folder / "paths.txt"], [folder / "rules.txt"]
    inputs = make.Inputs(*given, terms=[folder / "terms.txt"])
    told = make.make(inputs, STARTER_MODELS, folder / "out", _no_bar, check=_check)
    return folder / "out", told


def _check(folder, rules, corpus):
    return rules_unused(folder, rules)


@pytest.fixture(scope="module")
def lexicon(built):
    return Lexicon.load(built[0])


def published(lexicon, query):
    """With every candidate scored alike, and no neighbours."""
    expander = Expander(lexicon, 32, 0.5, 0.5, 32)
    [found] = expander.retrieve([query], np.zeros((1, lexicon.dimension), np.float32))
    return expander.select(found, [0.9] * len(expander.texts(found)), "purchase")


@pytest.mark.parametrize(
    "query, terms",
    [
        ("gizmo", ["mp3 player"]),
        ("red gizmos", ["red mp3 player"]),
        ("55 inch gizmo", ["55 inch mp3 player"]),
        ("1080p", ["full hd"]),
        ("full hd", ["1080p"]),
        ("brick phone", ["nokia 3310"]),
        ("zorp", ["zorp 13"]),
        ("zorp 12", []),
        ("telly", []),  # "55 inch" is a size
        ("iphone 12", []),
        ("iphone 13", []),
        ("processor", ["cpus"]),  # and not "cpu" too
        ("cpu", ["processor"]),
        ("cpus", ["processor"]),
        ("satchel", ["belt satchel", "tote satchel"]),
        ("tote satchel", []),  # a belt satchel is another kind of it
    ],
)
def test_digits_of_a_rule_belong_to_its_name_and_no_number_of_the_query_changes(
    lexicon, query, terms
):
    assert [item["term"] for item in published(lexicon, query)["expansions"]] == terms


def test_the_build_tells_which_rules_are_not_used_and_why(built):
    assert built[1]["notes"] == [
        "rules.txt:3: 'telly' is not expanded by '55 inch tv' (held back: size)",
        "rules.txt:4: 'iphone 12' is not expanded by 'iphone 13' (held back: model)",
        "rules.txt:4: 'iphone 13' is not expanded by 'iphone 12' (held back: model)",
        "rules.txt:6: 'nokia 3310' is not expanded by 'brick phone' (held back: model)",
    ]
    assert "- rules.txt:3: 'telly'" in (built[0] / "report.md").read_text()


def test_what_is_held_back_has_its_reason(lexicon):
    read = lexicon.read("zorp 12")
    [held] = held_back(lexicon, read, lexicon.heads(read))
    assert held == ("zorp", "zorp 13", "a number")
    read = lexicon.read("gizmo")
    assert held_back(lexicon, read, lexicon.heads(read), ["mp3 player"]) == []


def test_other_names_of_what_is_not_asked_for_are_told_where_the_thing_has_none(lexicon):
    read = lexicon.read("gizmo bar")
    heads = lexicon.heads(read)
    assert [lexicon.name(head.term_id) for head in heads] == ["bar"]
    told = ("gizmo", "mp3 player", "not what is asked for")
    assert held_back(lexicon, read, heads) == [told]
    assert held_back(lexicon, read, heads, ["a neighbour"]) == []


def test_equal_names_are_not_above_each_other(built):
    shown = Inspector(built[0]).show("processor")
    [name] = shown["names"]
    assert (name["name"], name["used"], name["file"]) == ("cpus", True, "rules.txt:7")
    assert shown["category"] == "Parts > CPUs"
    assert shown["parent"] is None or shown["parent"]["term"] == "parts"


@pytest.mark.parametrize("query", ["gizmo", "foo,bar", "baz"])
def test_a_term_of_no_known_category_has_none(lexicon, query):
    assert published(lexicon, query)["categories"] == []
    assert lexicon.category(lexicon.term_of(query)) == ""


def test_terms_without_a_category_are_of_no_common_department(lexicon):
    terms = [lexicon.term_of(name) for name in ("gizmo", "zorp", "baz")]
    assert len({lexicon.department_number(term_id) for term_id in terms}) == 3
