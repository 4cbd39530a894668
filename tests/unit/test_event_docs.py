"""docs/events.md and docs/engines.md say what events hold and what is made of them."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.engines.events import event
from worker.commands.render.amounts import CONVERTIBLE
from worker.commands.render.fields import Fields
from worker.config.settings import STARTER_LEXICON

DOCS = Path(__file__).parents[2] / "docs"
EVENTS, ENGINES = ((DOCS / name).read_text() for name in ("events.md", "engines.md"))
TABLES = tomllib.loads((STARTER_LEXICON / "attributes.toml").read_text())


def row(name, section):
    """What stands in backquotes in the second column of the row of that name."""
    table = EVENTS.split(section)[1]
    [cell] = re.findall(rf"^\| `{name}` \| (.*) \|$", table, re.M)[:1]
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(
    "name", ["color", "size", "gender", "age", "condition", "pattern", "shape"]
)
def test_the_values_of_an_attribute_are_listed(name):
    assert sorted(row(name, "### Values")) == sorted(TABLES[name])


@pytest.mark.parametrize("name", ["size", "quantity"])
def test_the_units_of_an_attribute_are_listed(name):
    units = [*TABLES["unit"][name], *TABLES["count"][name]]
    assert sorted(row(name, "### Amounts")) == sorted(units)


@pytest.mark.parametrize("units", CONVERTIBLE)
def test_units_that_convert_belong_to_one_attribute_each(units):
    known = {**TABLES["unit"], "age": row("age", "### Amounts")}
    homes = {name for name, own in known.items() if not units.keys().isdisjoint(own)}
    assert len(homes) == 1


def test_the_defaults_of_the_fields_file_are_shown():
    [file] = re.findall(r"```toml\n(.*?)```", ENGINES, re.S)
    assert Fields(**tomllib.loads(file)) == Fields()
    assert Fields.model_fields.keys() == tomllib.loads(file).keys()


@pytest.fixture(scope="module")
def keywords():
    """The function of the page that makes keywords of an event."""
    [code] = re.findall(r"```python\n(.*?)```", ENGINES, re.S)
    names = {}
    exec(code, names)
    return names["keywords"]


def test_keywords_leave_prices_and_signs_out(keywords):
    form = 'tv 65" under $900 with stand'
    start = form.index("under")
    price = {"name": "price", "value": "x", "start": start, "end": start + len("under $900")}
    given = event(
        form,
        expansions=[('television 65" with stand', 0.99)],
        attributes=[price | {"min": None, "max": 900, "currency": "USD"}],
    )
    assert keywords(given) == [
        ("exact", "tv 65 inch with stand"),
        ("phrase", "television 65 inch with stand"),
    ]


def test_a_negative_keyword_blocks_no_wanted_ad(keywords):
    synonym = [("alcohol free beer", 0.99)]
    given = event("beer non alcoholic", exclusions=["alcoholic"], expansions=synonym)
    assert keywords(given) == [("phrase", "alcohol free beer")]
    assert keywords(event("shoes not nike", exclusions=["nike"])) == [("negative", "nike")]


def test_broader_terms_are_broad_keywords_and_long_ones_none(keywords):
    given = event("word " * 10 + "word", expansions=[("shoes", 0.95)])
    given["expansions"][0]["source"] = "parent"
    assert keywords(given) == [("broad", "shoes")]
    assert keywords(given | {"intent": None}) == []
