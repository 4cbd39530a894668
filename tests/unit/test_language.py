"""The language of a query: by its words, script and locale; without doubt, or the default."""

import asyncio
import json

import pytest

from tests.understanding import build_pipeline, events
from worker.event import Input
from worker.understanding.language import language

KNOWN = {"red", "shoes", "chair", "torch", "gift", "set", "robe", "pen", "dish", "women", "letters"}
KNOWN.add("rucksack")


@pytest.mark.parametrize(
    ("form", "locale", "code"),
    [
        ("red shoes", None, "en"),
        ("schuhe", "de-DE", "de"),
        ("nike", "pt_BR", "pt"),
        ("nike", "!!", "en"),
        ("red shoes", "de-DE", "en"),  # the text says so, and the shop's lexicon knows it
        ("zapatos rojos para mujer", None, "es"),
        ("zapatos niño", None, "es"),
        ("lámpara de mesa", None, "es"),
        ("wo ist meine bestellung", None, "de"),
        ("winterjacke damen", None, "de"),
        ("bohrmaschine", None, "de"),
        ("où est ma commande", None, "fr"),
        ("robe longue rouge", None, "fr"),
        ("chaise pliante noire", None, "fr"),
        ("vestito rosso", None, "it"),
        ("tafel eiken", None, "nl"),
        ("buty damskie", None, "pl"),
        ("kadın elbise", None, "tr"),
        ("klänning dam", None, "sv"),
        ("赤い靴", None, "ja"),
        ("红色的鞋", None, "zh"),
        ("빨간 신발", None, "ko"),
        ("красные туфли", None, "ru"),
        ("bier ohne alkohol", None, "de"),
        ("bier ohne alkohol", "en-US", "de"),
        ("leche sin lactosa", None, "es"),
        ("lave-linge moins de 400 euros", None, "fr"),
        ("pasta senza glutine", None, "it"),
        # English, with a name or a dish
        ("alkohol free red set", None, "en"),
        ("sin city red set", None, "en"),
        ("dulce de leche gift", None, "en"),
        ("red shoes 50 euros", None, "en"),
        ("die hard dvd", None, "en"),
        ("where is my order", None, "en"),
        ("crème brûlée torch", None, "en"),
        ("eau de toilette gift set", None, "en"),
        ("kallax", None, "en"),
        ("papier mâché letters", None, "en"),
        ("le creuset dish", None, "en"),
        ("robe for women", None, "en"),
        ("rucksack", None, "en"),
        ("rucksack", "de-DE", "de"),
        ("rucksack damen", None, "de"),
        ("😀", None, "en"),
    ],
)
def test_language(form, locale, code):
    assert language(form, locale, "en", KNOWN.__contains__) == code


SCHUHE = {"joggingschuh", "turnschuhe", "rot", "set"}


@pytest.mark.parametrize(
    ("form", "locale", "code"),
    [
        ("joggingschuh", None, "de"),  # one word is enough
        ("joggingschuh red", None, "en"),  # one for each: the default
        ("joggingschuh red", "de", "de"),
        ("set", None, "en"),  # both know it
        ("set", "de-AT", "de"),
        ("set", "pt-BR", "pt"),
        ("red shoes", "de-DE", "en"),
        ("häagen dazs", None, "en"),  # a letter alone is not
    ],
)
def test_words_of_another_lexicon_speak_for_its_language(form, locale, code):
    lexicons = KNOWN.__contains__, {"de": SCHUHE.__contains__}
    assert language(form, locale, "en", *lexicons) == code
    swapped = SCHUHE.__contains__, {"en": KNOWN.__contains__}
    if locale:  # without one, the default decides what is open
        assert language(form, locale, "de", *swapped) == code


def enriched(*queries, assignments=()):
    pipeline, inference, _ = build_pipeline(*assignments)
    values = [Input(json.dumps(query).encode(), "id", 5) for query in queries]
    return events(asyncio.run(pipeline.process(values))), inference


def test_a_query_in_a_language_that_is_not_served_is_published_with_nothing_attached():
    [event], inference = enriched({"query": "schwarze Stiefel für Herren"})
    assert event["language"] == "de"
    assert event["intent"] is None
    assert event["status"] == "complete"
    assert event["degraded"] == []
    for name in ("expansions", "categories", "attributes", "exclusions"):
        assert event[name] == []
    assert set(inference.rows.values()) == {0}  # no model was asked


def test_the_languages_that_are_served_are_configured():
    served = ("understanding.languages=en,de",)
    [event], _ = enriched({"query": "schwarze Stiefel für Herren"}, assignments=served)
    assert event["language"] == "de"
    assert event["intent"]


def test_the_locale_tells_where_the_text_does_not():
    found, _ = enriched({"query": "zzyx", "locale": "fr-CA"}, {"query": "zzyx"})
    assert [event["language"] for event in found] == ["fr", "en"]
