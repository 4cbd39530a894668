"""A search as the body of Solr's JSON Request API (`/select` or `/query`, Solr 8 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from worker.commands.render.fields import Fields
from worker.commands.render.lucene import ENOUGH, Query, boolean, excluded
from worker.commands.render.search import Clause, Match, Ranges, Search, number
from worker.commands.render.words import without_control

_SYNTAX = re.compile(r'[+\-!(){}\[\]^"~*?:\\/&|<>=@#$%,.;\'`]|(?<!\S)(?=(?:AND|OR|NOT)(?!\S))')
_QUOTED = re.compile(r'["\\$]')  # ${…} is a macro in a request's parameters


def body(search: Search, fields: Fields) -> Query:
    """The request's body; a search without words matches all that its filters leave."""
    query = boolean(
        must=[_text(search, fields)],
        should=[_clause(clause) for clause in search.boosts],
        must_not=[excluded(exclusion, _phrase) for exclusion in search.exclusions],
    )
    request: Query = {"query": query}
    if search.filters:
        request["filter"] = [_clause(clause) for clause in search.filters]
    return request


def escaped(text: str) -> str:
    """The text as words of the extended DisMax parser, none of them an operator."""
    return _SYNTAX.sub(r"\\\g<0>", without_control(text))


def _text(search: Search, fields: Fields) -> Query:
    if not search.text:
        return {"lucene": {"query": "*:*"}}
    wordings = [(search.text, 1.0), *search.expansions]
    return {"bool": {"should": [_words(text, fields, weight) for text, weight in wordings]}}


def _words(text: str, fields: Fields, weight: float) -> Query:
    searched = " ".join(f"{name}^{number(w * weight)}" for name, w in fields.text.items())
    return {"edismax": {"query": escaped(text), "qf": searched, "mm": ENOUGH}}


def _phrase(text: str, fields: Sequence[str]) -> Query:
    """The text as it is, or as a field's analysis has it, in one of the fields."""
    quoted = _QUOTED.sub(r"\\\g<0>", without_control(text))
    return {"edismax": {"query": f'"{quoted}"', "qf": " ".join(fields)}}


def _clause(clause: Clause) -> Query | str:
    if isinstance(clause, Ranges):
        return boolean(should=[_clause(one) for one in clause.ranges])
    if not isinstance(clause, Match):
        low, high = ("*" if end is None else number(end) for end in (clause.low, clause.high))
        return f"{clause.field}:[{low} TO {high}]"
    weight = "" if clause.weight == 1 else f"^{number(clause.weight)}"
    matches = [_phrase(value, [clause.field + weight]) for value in clause.values]
    return matches[0] if len(matches) == 1 else {"bool": {"should": matches}}
