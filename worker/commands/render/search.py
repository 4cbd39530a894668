"""What an enriched event asks of any engine: words, expansions, exclusions, filters, boosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.commands.render.amounts import in_unit
from worker.commands.render.fields import Fields
from worker.commands.render.words import (
    PRICE,
    VALUE,
    Negation,
    Span,
    left,
    negations,
    said_by,
    with_lead,
    without,
)
from worker.lexicon.numbers import short

Event = dict[str, Any]
NEAR = 0.2  # a price without bounds, "shoes $50", ranks those up to a fifth away higher
TOGETHER = frozenset({"style", "use"})  # attributes of which each value is wanted
# Attributes whose value says all that their words say, as "x-large" does of "xl".
WHOLE = frozenset({"price", "size", "quantity", "age", "gender", "condition"})
# How documents name what they lack.
NAMES_OF_A_LACK = ("{} free", "no {}", "non {}", "without {}", "not from {}")


@dataclass(frozen=True, slots=True)
class Match:
    """Documents that have one of these values in a field.

    Attributes:
        weight: of a boost.
        together: whether other values of the field are wanted as well: "wireless waterproof".
    """

    field: str
    values: tuple[str, ...]
    weight: float = 1.0
    together: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """Documents whose number is in [low, high]; None is an open end."""

    field: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Ranges:
    """Documents whose number is in one of these ranges of one field."""

    ranges: tuple[Range, ...]


Clause = Match | Range | Ranges


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Documents with the term in one of the fields are no results.

    Attributes:
        unless: a document with one of these phrases in the first field stays, as "sugar free"
            does without sugar.
    """

    term: str
    fields: Sequence[str]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """One query of any engine.

    Attributes:
        text: the words to search for; "" where all of them are filters or exclusions.
        expansions: other wordings of the text that match as well, each with its weight against 1.
        exclusions: none may hold.
        filters: each must hold.
        boosts: each ranks a document higher.
    """

    text: str
    expansions: list[tuple[str, float]]
    exclusions: list[Exclusion]
    filters: list[Clause]
    boosts: list[Clause]


def number(value: float) -> str:
    """Digits without an exponent, which not all engines read."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def search(event: Event, fields: Fields) -> Search:
    """What an output event asks for.

    Prices, open amounts ("over 16 gb"), filters and exclusions are taken out of the text, where
    their words would match the wrong documents; of a filter the words that its value says.
    """
    form = event["normalized_query"]
    filters, boosts, cut, names = [], [], [], []
    for attribute in event["attributes"]:
        span, priced = Span(attribute["start"], attribute["end"]), attribute["name"] == "price"
        filtered = _clause(attribute, form, fields.filters, fields.currency)
        if filtered and not _is_exact_price(attribute):
            filters.append(filtered)
        elif boosted := filtered or _clause(attribute, form, fields.boosts, fields.currency):
            boosts.append(_near(boosted) if _is_exact_price(attribute) else boosted)
        if priced or _is_open(attribute):
            cut.append(span._replace(kind=PRICE if priced else VALUE))
        elif filtered:
            cut += _said(attribute, form, span._replace(kind=VALUE))
        else:
            names.append(form[span.start : span.end])
    if path := fields.boosts.get("category"):
        boosts += [Match(path, (c["path"],), c["score"]) for c in event["categories"][:1]]
    excluded = [Span(e["start"], e["end"]) for e in event["exclusions"]]
    negated = list(negations(form, excluded))
    said = [form[span.start : span.end] for span in cut]
    cut += [negation.span for negation in negated if negation.span]
    text, dropped = left(form, (event["correction"] or {}).get("query"), cut, names)
    return Search(
        text=text,
        expansions=_weighted(event["expansions"], [*said, *dropped], fields.expansion_weight),
        exclusions=_exclusions(event["exclusions"], negated, fields.exclusions),
        filters=list(_joined(filters)),
        boosts=list(_joined(boosts)),
    )


def _said(attribute: Event, form: str, span: Span) -> Iterable[Span]:
    """What of a filter's words the filter says."""
    if attribute["name"] == "condition":
        return [with_lead(form, span)]
    return [span] if attribute["name"] in WHOLE else said_by(attribute["value"], form, span)


def _exclusions(
    excluded: list[Event], negated: list[Negation], fields: Sequence[str]
) -> list[Exclusion]:
    exclusions = {}
    for term, negation in zip((e["term"] for e in excluded), negated, strict=True):
        lacking = tuple(phrase.format(term) for phrase in NAMES_OF_A_LACK) if negation.lacks else ()
        exclusions[term] = Exclusion(term, fields, lacking)
    return list(exclusions.values()) if fields else []


def _weighted(
    expansions: list[Event], cut: Sequence[str], weight: float
) -> list[tuple[str, float]]:
    """Each without what is cut of the query, and its score shared among all, so that many
    expansions do not outweigh the query's words."""
    share = weight / max(1, len(expansions))
    weighted = ((without(e["term"], cut), round(share * e["score"], 4)) for e in expansions)
    return [(text, weight) for text, weight in weighted if text and weight]


def _clause(attribute: Event, form: str, fields: Mapping[str, str], currency: str) -> Clause | None:
    """None where no field is for it. A colour is also looked for by its shade: "navy"."""
    name = attribute["name"]
    if "min" in attribute and (found := in_unit(attribute, fields, currency)):
        field, factor = found
        ends = (attribute["min"], attribute["max"])
        low, high = (None if end is None else short(round(end * factor, 6)) for end in ends)
        return Range(field, low, high)
    if name == "price" or name not in fields or _is_open(attribute):
        return None
    values = [attribute["value"]]
    if name == "color" and (shade := form[attribute["start"] : attribute["end"]]) != values[0]:
        values.append(shade)
    return Match(fields[name], tuple(values), together=name in TOGETHER)


def _is_open(attribute: Event) -> bool:
    """Whether it has bounds that are no value of a document, "under 40 inch", "20-30 l", as an age
    and a range of sizes are one: "5-7 years", "8-10"."""
    if attribute["name"] != "price" and attribute.get("unit") in (None, "years", "months"):
        return False
    return attribute["min"] != attribute["max"]


def _is_exact_price(attribute: Event) -> bool:
    return attribute["name"] == "price" and not _is_open(attribute)


def _near(exact: Range) -> Range:
    low, high = exact.low * (1 - NEAR), exact.high * (1 + NEAR)
    return Range(exact.field, round(low, 2), round(high, 2))


def _joined(clauses: Iterable[Clause]) -> Iterator[Clause]:
    """Values of one field are alternatives, "red or black", "8 or 16 gb", but for those that hold
    together; what is above one number and below another is between them."""
    matches: dict[str, Match] = {}
    ranges: dict[str, list[Range]] = {}
    for clause in clauses:
        if isinstance(clause, Range):
            ranges.setdefault(clause.field, []).append(clause)
        elif clause.together:
            yield clause
        else:
            before = matches.get(clause.field)
            values = (*(before.values if before else ()), *clause.values)
            weight = max(clause.weight, before.weight if before else 0.0)
            matches[clause.field] = Match(clause.field, tuple(dict.fromkeys(values)), weight)
    for field, found in ranges.items():
        either = _alternatives(field, found)
        yield either[0] if len(either) == 1 else Ranges(either)
    yield from matches.values()


def _alternatives(field: str, ranges: Sequence[Range]) -> tuple[Range, ...]:
    lows = [one.low for one in ranges if one.high is None]
    highs = [one.high for one in ranges if one.low is None]
    if lows and highs and max(lows) <= min(highs):
        closed = [one for one in ranges if None not in (one.low, one.high)]
        ranges = [Range(field, max(lows), min(highs)), *closed]
    return tuple(dict.fromkeys(ranges))
