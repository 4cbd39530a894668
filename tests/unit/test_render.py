"""A rendered query searches the words that are wanted, and filters and excludes the rest."""

import json
import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import program
from tests.engines.events import event, odd_text
from worker.commands.render import ENGINES, renderer
from worker.commands.render.fields import Fields, load_fields
from worker.commands.render.search import Exclusion, Match, Range, Ranges, search
from worker.commands.render.words import Negation, Span, left, negations
from worker.errors import ConfigError


def amount(form, words, name, value, least, most, **unit):
    start = form.index(words)
    bounds = {"min": least, "max": most} | unit
    return {"name": name, "value": value, "start": start, "end": start + len(words)} | bounds


def named(form, words, name, value):
    start = form.index(words)
    return {"name": name, "value": value, "start": start, "end": start + len(words)}


@pytest.mark.parametrize(
    ("form", "excluded", "text"),
    [
        ("shoes not nike", ["nike"], "shoes"),
        ("leather-free shoes", ["leather"], "shoes"),
        ("pie free of sugar", ["sugar"], "pie"),
        ("coat without a hood", ["hood"], "coat"),
        ("tv -samsung", ["samsung"], "tv"),
        ("t shirts except for white or black in cotton", ["white", "black"], "t shirts in cotton"),
        ("anything but a leather wallet", ["leather"], "wallet"),
        ("necklace but not gold", ["gold"], "necklace"),
        ("tv that is not samsung", ["samsung"], "tv"),
        ("watch that isn't digital in black", ["digital"], "watch in black"),
        ("earrings i dont want hoops", ["hoops"], "earrings"),
        ("candle that does not smell of lavender", ["lavender"], "candle"),
        ("seedless grapes", ["seed"], "seedless grapes"),
        ("no wool", ["wool"], ""),
        ("\x01 no wool", ["wool"], ""),  # for Solr, no word at all
    ],
)
def test_what_is_excluded_leaves_the_text_with_its_negation(form, excluded, text):
    found = search(event(form, exclusions=excluded), Fields())
    assert found.text == text
    assert [exclusion.term for exclusion in found.exclusions] == excluded


def test_documents_that_name_what_they_lack_stay_where_the_query_says_it_so():
    fields = Fields()
    [without] = search(event("gum no sugar", exclusions=["sugar"]), fields).exclusions
    named = ("sugar free", "no sugar", "non sugar", "without sugar", "not from sugar")
    assert without.unless == named
    [brand] = search(event("shoes not nike", exclusions=["nike"]), fields).exclusions
    assert brand == Exclusion("nike", fields.exclusions)


def test_a_correction_is_searched_without_what_became_a_filter():
    form = "wirless hedphones under $30 not beats"
    price = amount(form, "under $30", "price", "under 30 USD", None, 30, currency="USD")
    found = search(
        event(
            form,
            exclusions=["beats"],
            attributes=[price],
            corrected="wireless headphones under $30 not beats",
        ),
        Fields(),
    )
    assert found.text == "wireless headphones"
    assert found.filters == [Range("price", None, 30)]


@pytest.mark.parametrize(
    ("form", "corrected", "text"),
    [
        ("keybord stand", "keyboard stand", "keyboard stand"),
        ("key bord stand", "keyboard stand", "keyboard stand"),
        ("foxlamp red", "fox lamp red", "fox lamp red"),
        ("red", None, "red"),
    ],
)
def test_a_correction_replaces_the_words_that_it_changes(form, corrected, text):
    assert left(form, corrected, []).text == text


def test_an_open_amount_and_a_price_leave_the_text_even_without_a_field():
    form = "laptop over 16gb under £900"
    memory = amount(form, "over 16gb", "size", "over 16 gb", 16, None, unit="gb")
    price = amount(form, "under £900", "price", "under 900 GBP", None, 900, currency="GBP")
    found = search(event(form, attributes=[memory, price]), Fields(filters={"price:USD": "usd"}))
    assert (found.text, found.filters, found.boosts) == ("laptop", [], [])


def test_a_numeric_field_takes_amounts_in_its_unit_alone():
    form = "laptop 16gb 15 inch"
    attributes = [
        amount(form, "16gb", "size", "16 gb", 16, 16, unit="gb"),
        amount(form, "15 inch", "size", "15 inch", 15, 15, unit="inch"),
    ]
    found = search(event(form, attributes=attributes), Fields(filters={"size:gb": "memory"}))
    assert found.filters == [Range("memory", 16, 16)]
    assert found.boosts == [Match("size", ("15 inch",))]
    assert found.text == "laptop 15 inch"


@pytest.mark.parametrize(
    ("field", "least", "most", "unit", "converted"),
    [
        ("size:gb", 2, None, "tb", Range("f", 2000, None)),
        ("size:tb", 512, 512, "gb", Range("f", 0.512, 0.512)),
        ("size:inch", None, 1.5, "ft", Range("f", None, 18)),
        ("size:mm", 1.1, 1.1, "cm", Range("f", 11, 11)),
        ("size:months", 1, 2, "years", Range("f", 12, 24)),
        ("size:inch", 140, 140, "cm", None),  # metric and imperial are never converted
        ("size:gb", 5, 5, "person", None),
    ],
)
def test_a_numeric_field_takes_amounts_in_units_that_convert_exactly(
    field, least, most, unit, converted
):
    given = amount("thing 99", "99", "size", "99 x", least, most, unit=unit)
    found = search(event("thing 99", attributes=[given]), Fields(filters={field: "f"}))
    assert found.filters == ([converted] if converted else [])


@pytest.mark.parametrize(
    ("currency", "filters", "field"),
    [
        ("USD", {"price": "p"}, "p"),
        (None, {"price": "p"}, "p"),
        ("INR", {"price": "p"}, None),
        ("INR", {"price": "p", "price:EUR": "eur"}, None),
        ("EUR", {"price": "p", "price:EUR": "eur"}, "eur"),
        (None, {"price:USD": "usd"}, "usd"),
    ],
)
def test_a_price_goes_to_the_field_of_its_currency_alone(currency, filters, field):
    price = amount("watch over 50", "over 50", "price", "x", 50, None, currency=currency)
    found = search(event("watch over 50", attributes=[price]), Fields(filters=filters))
    assert found.filters == ([Range(field, 50, None)] if field else [])
    assert found.text == "watch"


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        (((8, 8), (16, 16)), Ranges((Range("gb", 8, 8), Range("gb", 16, 16)))),
        (((8, 8), (8, 8)), Range("gb", 8, 8)),
        (((10, None), (None, 20)), Range("gb", 10, 20)),
        (((20, None), (None, 10)), Ranges((Range("gb", 20, None), Range("gb", None, 10)))),
        (((16, 16), (512, None)), Ranges((Range("gb", 16, 16), Range("gb", 512, None)))),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_of_one_field_are_alternatives_and_bounds_meet(engine, bounds, wanted):
    form = "one two disk"
    attributes = [
        amount(form, word, "size", word, *ends, unit="gb")
        for word, ends in zip(("one", "two"), bounds, strict=True)
    ]
    fields = Fields(filters={"size:gb": "gb"})
    found = search(event(form, attributes=attributes), fields)
    assert found.filters == [wanted]
    assert ENGINES[engine](found, fields)


def test_an_age_and_a_range_of_sizes_are_values_without_a_numeric_field():
    form = "toys 5-7 years size 8-10"
    age = amount(form, "5-7 years", "age", "5-7 years", 5, 7, unit="years")
    size = amount(form, "size 8-10", "size", "8-10", 8, 10)
    filters = {"age:months": "months", "size:inch": "inches"}
    given = event(form, attributes=[age, size])
    found = search(given, Fields(filters={}))
    assert (found.text, found.boosts) == (form, [Match("size", ("8-10",))])
    found = search(given, Fields(filters=filters))
    assert (found.text, found.filters) == ("toys size 8-10", [Range("months", 60, 84)])
    found = search(given, Fields(filters={"age": "age"}))
    assert found.filters == [Match("age", ("5-7 years",))]


def test_a_price_without_bounds_only_ranks_what_is_near():
    form = "shoes 50€"
    price = amount(form, "50€", "price", "50 EUR", 50, 50, currency="EUR")
    found = search(event(form, attributes=[price]), Fields(currency="EUR"))
    assert (found.filters, found.boosts) == ([], [Range("price", 40, 60)])


def test_values_of_one_field_are_alternatives():
    form = "red or black dress"
    attributes = [named(form, word, "color", word) for word in ("red", "black")]
    found = search(event(form, attributes=attributes), Fields(filters={"color": "color"}))
    assert found.filters == [Match("color", ("red", "black"))]
    body = ENGINES["elasticsearch"](found, Fields())
    [either] = body["query"]["bool"]["filter"]
    assert len(either["dis_max"]["queries"]) == 2


def test_a_color_is_looked_for_by_its_shade_too():
    form = "navy dress"
    given = event(form, attributes=[named(form, "navy", "color", "blue")])
    assert search(given, Fields(boosts={"color": "color"})).boosts == [
        Match("color", ("blue", "navy"))
    ]


def test_the_weights_of_all_expansions_together_stay_below_the_query():
    many = [(f"term {n}", 1.0) for n in range(20)]
    found = search(event("shoes", expansions=many), Fields())
    assert sum(weight for _, weight in found.expansions) == pytest.approx(0.2)
    none = search(event("shoes", expansions=many), Fields(expansion_weight=0))
    assert none.expansions == []


def test_what_is_a_filter_leaves_the_expansions_as_it_leaves_the_query():
    form = "red couch over 16gb"
    memory = amount(form, "over 16gb", "size", "over 16 gb", 16, None, unit="gb")
    given = event(
        form,
        expansions=[("red sofa over 16gb", 1.0), ("reddish sofa over 16gbs", 1.0)],
        attributes=[memory, named(form, "red", "color", "red")],
    )
    found = search(given, Fields(filters={"color": "color"}))
    assert found.text == "couch"
    assert [text for text, _ in found.expansions] == ["sofa", "reddish sofa over 16gbs"]


def test_an_expansion_is_asked_for_as_the_querys_words_are():
    found = search(event("red couch big", expansions=[("red sofa big", 1.0)]), Fields())
    bodies = {engine: body(found, Fields()) for engine, body in ENGINES.items()}
    must = bodies["elasticsearch"]["query"]["bool"]["must"]
    own, other = (part["multi_match"] for part in must[0]["bool"]["should"])
    assert other == own | {"query": "red sofa big", "boost": 0.2}
    must = bodies["solr"]["query"]["bool"]["must"]
    own, other = (part["edismax"] for part in must[0]["bool"]["should"])
    assert other["mm"] == own["mm"] and other["qf"].startswith("title^0.6 ")
    words = (f'default contains ({{weight: 20}}"{word}")' for word in ("red", "sofa", "big"))
    assert f"or weakAnd({', '.join(words)})" in bodies["vespa"]["yql"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_without_words_matches_what_its_filters_leave(engine):
    form = "under $50"
    price = amount(form, form, "price", "under 50 USD", None, 50, currency="USD")
    body = renderer(engine, Fields())(json.dumps(event(form, attributes=[price])).encode())
    everything = {
        "elasticsearch": b"match_all",
        "solr": b"*:*",
        "vespa": b"where true and price <=",
    }
    assert everything[engine] in body and b"price" in body


@pytest.mark.parametrize("engine", ENGINES)
def test_no_query_has_an_exponent_in_a_number(engine):
    form = "shoes under $5"
    price = amount(form, "under $5", "price", "x", 1e-3, 3e16, currency="USD")
    body = renderer(engine, Fields())(json.dumps(event(form, attributes=[price])).encode())
    assert b"0.001" in body
    assert engine == "elasticsearch" or b"30000000000000000" in body


@given(st.integers(0, 10_000))
def test_any_spans_of_any_text_can_be_cut(seed):
    draw = random.Random(seed)
    form = odd_text(draw)
    ends = sorted(draw.randint(0, len(form)) for _ in range(4))
    spans = [Span(ends[0], ends[1]), Span(ends[2], ends[3])]
    cut = [one.span for one in negations(form, spans) if one.span]
    text = left(form, odd_text(draw), cut).text
    assert "  " not in text and text == text.strip()


def test_a_joined_exclusion_is_negated_as_the_first():
    form = "biscuits without sugar or nuts"
    spans = [Span(17, 22), Span(26, 30)]
    assert [form[s.start : s.end] for s in spans] == ["sugar", "nuts"]
    assert list(negations(form, spans)) == [
        Negation(Span(9, 22), True),
        Negation(Span(22, 30), True),
    ]


def test_fields_of_a_file_replace_the_defaults(tmp_path):
    file = tmp_path / "fields.toml"
    file.write_text('text = { name = 2 }\n[boosts]\n"size:gb" = "specs.memory"\norigin = "land"\n')
    fields = load_fields(file)
    assert (fields.text, fields.boosts["size:gb"]) == ({"name": 2.0}, "specs.memory")
    assert fields.boosts.keys() == {"size:gb", "origin"}  # of a tagging model of one's own
    assert fields.filters == Fields().filters


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[boosts]\ncolor = 'a b'\n", "boosts.color: String should match pattern"),
        ("text = {}\n", "text: Dictionary should have at least 1 item"),
        ("field = 1\n", "the keys are text, exclusions, filters"),
        ("text = {", "not TOML"),
        ("[filters]\ncolour = 'c'\n", "filters.colour: 'colour' is no attribute; write 'color'"),
        ("[boosts]\n'size:litre' = 'c'\n", "boosts.size:litre: events say 'quantity:l'"),
        ("[boosts]\n'age:year' = 'c'\n", "boosts.age:year: events say 'age:years'"),
        ("[filters]\n'price:euro' = 'c'\n", "'euro' is no currency; write an ISO 4217 code"),
        ("currency = 'euro'\n", "currency: String should match pattern"),
    ],
)
def test_a_wrong_file_of_fields_is_refused_with_the_remedy(tmp_path, text, told):
    file = tmp_path / "fields.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=str(file)) as error:
        load_fields(file)
    assert told in str(error.value)


def test_enrich_renders_each_line_and_leaves_errors_in_their_place():
    done = program.run("enrich", "--render", "vespa", text="red shoes not nike\n\n{bad\n")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1 and first["q"] == "red shoes" and "nike" in first["yql"]
    assert second["error"]["type"] == "empty_query" and third["error"]["type"] == "invalid_json"


def test_fields_without_render_are_refused(tmp_path):
    done = program.run("enrich", "--fields", str(tmp_path / "fields.toml"))
    assert done.returncode == 2 and "--render" in done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_each_style_of_a_thing_is_wanted(engine):
    form = "wireless waterproof speaker"
    attributes = [named(form, word, "style", word) for word in ("wireless", "waterproof")]
    fields = Fields(filters={"style": "features"})
    found = search(event(form, attributes=attributes), fields)
    assert [clause.values for clause in found.filters] == [("wireless",), ("waterproof",)]
    body = orjson.dumps(ENGINES[engine](found, fields)).decode()
    for word in ("wireless", "waterproof"):
        assert body.count(word) == 1
