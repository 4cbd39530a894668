"""What `enrich --render` prints is read by the engines' own parsers, whatever was asked."""

import json
import random

import pytest

from tests.engines import parsers
from tests.engines.events import event, odd_text
from tests.skips import skip_or_fail
from worker.commands.render import ENGINES, renderer
from worker.commands.render.fields import Fields

if reason := parsers.unavailable():
    skip_or_fail(reason)

FIELDS = Fields(filters={"price": "price", "size:gb": "memory"})
FULL = event(
    "red running shoes under $50 not nike",
    expansions=[("red running sneakers", 0.94), ("red jogging shoes", 0.9)],
    exclusions=["nike"],
    categories=[("Shoes > Running", 0.93)],
    attributes=[
        {"name": "color", "value": "red", "start": 0, "end": 3},
        {"name": "price", "value": "under 50 USD", "start": 18, "end": 27}
        | {"min": None, "max": 50, "currency": "USD"},
    ],
)
LACKING = event("suede-free boots", exclusions=["suede"])
ONLY_EXCLUDED = event("no suede", exclusions=["suede"])
EXACT = event(
    "boots 80€ 64gb",
    attributes=[
        {"name": "price", "value": "80 EUR", "start": 6, "end": 9}
        | {"min": 80, "max": 80, "currency": "EUR"},
        {"name": "size", "value": "64 gb", "start": 10, "end": 14}
        | {"min": 64, "max": 64, "unit": "gb"},
    ],
)
EITHER = event(
    "memory 64gb or 80gb",
    attributes=[
        {"name": "size", "value": f"{size} gb", "start": start, "end": start + 4}
        | {"min": size, "max": size, "unit": "gb"}
        for size, start in ((64, 7), (80, 15))
    ],
)
UNKNOWN = event("тест") | {"intent": None, "language": "ru"}
DEGRADED = event("shoes") | {"intent": None, "status": "degraded", "degraded": ["intent"]}


@pytest.fixture(scope="module")
def parsed():
    """A function that renders events for an engine and gives what the engine makes of them."""
    started = {}

    def of(engine, *events, fields=FIELDS):
        if engine not in started:
            started[engine] = parsers.Engine(*parsers.ENGINES[engine])
        render = renderer(engine, fields)
        return started[engine].parse([render(json.dumps(one).encode()) for one in events])

    yield of
    for engine in started.values():
        engine.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_of_event_is_a_query(parsed, engine):
    answers = parsed(engine, FULL, LACKING, ONLY_EXCLUDED, EXACT, EITHER, UNKNOWN, DEGRADED)
    assert [answer.error for answer in answers] == [None] * 7
    assert all(answer.query for answer in answers)


@pytest.mark.parametrize("engine", ENGINES)
def test_odd_texts_in_every_place_are_read(parsed, engine):
    draw = random.Random(3)
    events = [odd_event(draw) for _ in range(400)]
    for one, answer in zip(events, parsed(engine, *events), strict=True):
        assert answer.error is None, one


def odd_event(draw):
    text = odd_text(draw)
    start = draw.randrange(len(text))
    end = draw.randint(start + 1, len(text))
    span = {"start": start, "end": end}
    return event(
        text,
        expansions=[(odd_text(draw), draw.random()) for _ in range(draw.randrange(3))],
        exclusions=[text[start:end]] if draw.random() < 0.5 else [],
        categories=[(odd_text(draw), 0.9)],
        attributes=[{"name": "color", "value": odd_text(draw)} | span],
    )


INJECTIONS = (
    "zzz OR *:*",
    "zzz) OR (*:*",
    'zzz" OR *:* OR "',
    "{!lucene}*:*",
    "zzz || id:*",
    '_query_:"*:*"',
    "title:[* TO *]",
    "$q",
    "zzz AND NOT qqq",
    "-zzz",
    "zzz\\",
    "/.*/",
)


def test_solr_takes_no_operator_from_a_query(parsed):
    """None of these words is in a document, so nothing may be found."""
    texts = [event(text) for text in INJECTIONS]
    expanded = [event("zzz", expansions=[(text, 0.9)]) for text in INJECTIONS]
    for answer in parsed("solr", *texts, *expanded):
        assert answer.error is None and answer.found == frozenset(), answer


def test_elasticsearch_keeps_the_text_as_it_is(parsed):
    for text, answer in zip(
        INJECTIONS, parsed("elasticsearch", *map(event, INJECTIONS)), strict=True
    ):
        words = json.loads(answer.query)["query"]["bool"]["must"][0]["bool"]["should"]
        assert [part["multi_match"]["query"] for part in words] == [text.strip("-")]


def test_vespa_takes_no_condition_from_a_query_or_a_value(parsed):
    value = 'red" or title contains "zzz'
    coloured = {"name": "color", "value": value, "start": 0, "end": 1}
    texts = [event(text) for text in (*INJECTIONS, 'zzz") or true or default contains ("q')]
    *answers, filtered = parsed("vespa", *texts, event("zzz", attributes=[coloured]))
    assert all(answer.query.startswith(("WEAKAND", "default:")) for answer in answers), answers
    assert "title:" not in filtered.query


def test_solr_finds_what_was_asked_for(parsed):
    answers = parsed("solr", FULL, LACKING, ONLY_EXCLUDED, EXACT, DEGRADED)
    full, lacking, only_excluded, exact, degraded = (answer.found for answer in answers)
    assert full == {"adidas"}  # two in three words of an expansion; not nike, not above 50
    assert lacking == {"no suede"}
    assert only_excluded == {"nike", "adidas", "dear", "no suede"}
    assert exact == set()  # 64 gb is a filter, and no document has it
    assert degraded == {"nike", "dear"}


def test_solr_takes_numbers_of_one_field_as_alternatives(parsed):
    def costing(*prices):
        spoken = [{"name": "size", "value": "x", "start": 0, "end": 1}] * len(prices)
        bounds = [{"min": price, "max": price, "unit": "gb"} for price in prices]
        return event("x boots", attributes=[a | b for a, b in zip(spoken, bounds, strict=True)])

    fields = Fields(filters={"size:gb": "price"})
    either, none = parsed("solr", costing(80, 500), costing(79, 81), fields=fields)
    assert (either.found, none.found) == ({"suede", "no suede"}, set())


def test_solr_keeps_what_names_what_it_lacks(parsed):
    [answer] = parsed("solr", event("boots non suede", exclusions=["suede"]))
    assert answer.found == {"no suede"}


def test_vespa_weighs_expansions_below_the_query(parsed):
    [answer] = parsed("vespa", FULL)
    for text in ("red running sneakers", "red jogging shoes"):
        words = " ".join(f"default:{word}!9" for word in text.split())
        assert f"WEAKAND {words}" in answer.query
    assert "price:[;50]" in answer.query and "-(OR title:nike" in answer.query
