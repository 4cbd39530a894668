"""What a row of the suite may ask of an enriched event: one function for each key.

A check takes what the row wants and the event, and yields a sentence for everything that is not
so. To add a key, write its check, and add it to CHECKS with the form its value must have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

Event = dict[str, Any]
RANGE, PRICE = {"name", "min", "max", "unit"}, {"min", "max", "currency"}
PLURALS = {"ies": "y", "sses": "ss", "shes": "sh", "ches": "ch", "xes": "x", "ves": "f"}


def faults(row: dict[str, Any], event: Event) -> list[str]:
    """What of the row does not hold of the event; an event that was not enriched fails."""
    if "intent" not in event:
        return [f"not enriched: {event.get('error')}"]
    found = (check.holds(row[key], event) for key, check in CHECKS.items() if key in row)
    return [fault for faults_of_key in found for fault in faults_of_key]


def stem(word: str) -> str:
    """The singular of an English plural, by its ending; other words as they are."""
    for ending, singular in PLURALS.items():
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + singular
    plural = word.endswith("s") and not word.endswith("ss") and len(word) > 3
    return word[:-1] if plural else word


def has(text: str, phrase: str) -> bool:
    """Whether the text has the phrase as whole words, each in the singular or the plural."""
    words, wanted = ([stem(w) for w in re.findall(r"\w+", t.lower())] for t in (text, phrase))
    starts = range(len(words) - len(wanted) + 1)
    return bool(wanted) and any(words[i : i + len(wanted)] == wanted for i in starts)


def has_any(text: str, phrases: Iterable[str]) -> bool:
    return any(has(text, phrase) for phrase in phrases)


def _intent(wanted: list[str], event: Event) -> Iterator[str]:
    label = (event["intent"] or {}).get("label")
    if label not in wanted:
        yield f"intent is {label}, not {' or '.join(wanted)}"


def _terms(event: Event) -> list[str]:
    return [expansion["term"] for expansion in event["expansions"]]


def _expand_any(wanted: list[str], event: Event) -> Iterator[str]:
    if not any(has_any(term, wanted) for term in _terms(event)):
        yield f"no expansion has one of {wanted}: {_terms(event)}"


def _not_expand(forbidden: list[str], event: Event) -> Iterator[str]:
    yield from (f"expansion {term!r}" for term in _terms(event) if has_any(term, forbidden))


def _no_expansion(wanted: bool, event: Event) -> Iterator[str]:
    if _terms(event):
        yield f"expansions {_terms(event)}"


def _paths(event: Event) -> list[str]:
    return [category["path"] for category in event["categories"]]


def _category_any(wanted: list[str], event: Event) -> Iterator[str]:
    paths = _paths(event)[:2]
    if not any(has_any(path, wanted) for path in paths):
        yield f"neither of the first two categories has one of {wanted}: {paths}"


def _not_category(forbidden: list[str], event: Event) -> Iterator[str]:
    yield from (f"category {path!r}" for path in _paths(event)[:1] if has_any(path, forbidden))


def _no_category(wanted: bool, event: Event) -> Iterator[str]:
    if _paths(event):
        yield f"categories {_paths(event)}"


def _attribute(event: Event, wanted: str) -> bool:
    name, has_value, value = wanted.partition("=")
    return any(
        a["name"] == name and (not has_value or a["value"].lower() == value.lower())
        for a in event["attributes"]
    )


def _shown(event: Event) -> list[str]:
    return [f"{a['name']}={a['value']}" for a in event["attributes"]]


def _attributes(wanted: list[str], event: Event) -> Iterator[str]:
    missing = [one for one in wanted if not _attribute(event, one)]
    if missing:
        yield f"attributes {missing} missing from {_shown(event)}"


def _not_attributes(forbidden: list[str], event: Event) -> Iterator[str]:
    yield from (
        f"attribute {one!r}: {_shown(event)}" for one in forbidden if _attribute(event, one)
    )


def _exclusions(wanted: list[str], event: Event) -> Iterator[str]:
    terms = [exclusion["term"] for exclusion in event["exclusions"]]
    missing = [word for word in wanted if not any(has(term, word) for term in terms)]
    if missing:
        yield f"exclusions {missing} missing from {terms}"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-6)


def _bounds(wanted: dict[str, Any], event: Event) -> Iterator[str]:
    same_name = [a for a in event["attributes"] if a["name"] == wanted["name"]]
    texts = wanted.keys() & {"unit", "currency"}
    for found in same_name:
        bounds = all(_same(found.get(end), wanted[end]) for end in ("min", "max"))
        if bounds and all(str(found.get(t)).lower() == wanted[t].lower() for t in texts):
            return
    yield f"{wanted} missing from {same_name}"


def _price(wanted: dict[str, Any], event: Event) -> Iterator[str]:
    yield from _bounds({"name": "price"} | wanted, event)


def _language(wanted: list[str], event: Event) -> Iterator[str]:
    if event["language"] not in wanted:
        yield f"language is {event['language']}, not {' or '.join(wanted)}"


def _normalized(wanted: str, event: Event) -> Iterator[str]:
    if event["normalized_query"] != wanted:
        yield f"normalized query is {event['normalized_query']!r}, not {wanted!r}"


def _correction(wanted: str | list[str] | None, event: Event) -> Iterator[str]:
    corrected = (event["correction"] or {}).get("query")
    if corrected not in (wanted if isinstance(wanted, list) else [wanted]):
        yield f"correction is {corrected!r}, not {wanted!r}"


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)


def _true(value: Any) -> bool:
    return value is True


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _interval(value: Any, texts: dict[str, Any]) -> bool:
    ends = [value.get("min", ""), value.get("max", "")]
    numbers = all(end is None or isinstance(end, int | float) for end in ends)
    return numbers and ends != [None, None] and all(map(_text, texts.values()))


def _is_range(value: Any) -> bool:
    """`unit` may be left out."""
    if not isinstance(value, dict) or not {"name"} <= value.keys() <= RANGE:
        return False
    return _interval(value, {name: value[name] for name in value.keys() & {"name", "unit"}})


def _is_price(value: Any) -> bool:
    """`currency` may be left out."""
    if not isinstance(value, dict) or not value.keys() <= PRICE:
        return False
    return _interval(value, {name: value[name] for name in value.keys() & {"currency"}})


def _is_correction(value: Any) -> bool:
    return value is None or _text(value) or _texts(value)


class Check(NamedTuple):
    """How a key is checked, and which values of it a row may have."""

    holds: Callable[[Any, Event], Iterator[str]]
    form: Callable[[Any], bool]
    example: str


WORDS = '["sofa", "couch"]'
CHECKS = {
    "intent": Check(_intent, _texts, '["browse", "purchase"]'),
    "expand_any": Check(_expand_any, _texts, WORDS),
    "not_expand": Check(_not_expand, _texts, WORDS),
    "no_expansion": Check(_no_expansion, _true, "true"),
    "category_any": Check(_category_any, _texts, '["Shoes"]'),
    "not_category": Check(_not_category, _texts, '["Shoes"]'),
    "no_category": Check(_no_category, _true, "true"),
    "attributes": Check(_attributes, _texts, '["color=red"]'),
    "not_attributes": Check(_not_attributes, _texts, '["size", "color=red"]'),
    "exclusions": Check(_exclusions, _texts, '["leather"]'),
    "price": Check(_price, _is_price, '{"min": null, "max": 50, "currency": "USD"}'),
    "range": Check(_bounds, _is_range, '{"name": "size", "min": 5, "max": 5, "unit": "m"}'),
    "language": Check(_language, _texts, '["de"]'),
    "normalized": Check(_normalized, _text, '"usb-c cable 2m"'),
    "correction": Check(_correction, _is_correction, '"sneakers", ["sneakers"] or null'),
}
