"""A search as the body of Vespa's query API (POST /search/).

The text travels beside the YQL as the parameter `q`, so it cannot change it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from worker.commands.render.fields import Fields
from worker.commands.render.search import Clause, Exclusion, Match, Ranges, Search, number

OWN_WEIGHT = 100  # of a term of the query, as in Vespa


def body(search: Search, fields: Fields) -> dict[str, Any]:
    """The request's body; a search without words matches all that its filters leave."""
    parts = [_text(search), *map(_clause, search.filters)]
    parts += [_excluded(one) for one in search.exclusions if _words(one.term)]
    wanted = " and ".join(part for part in parts if part)
    if search.boosts:
        wanted = f"rank({wanted}, {', '.join(map(_clause, search.boosts))})"
    request = {"yql": f"select * from sources * where {wanted}"}
    return request | ({"q": search.text} if search.text else {})


def _text(search: Search) -> str:
    """The words, or those of an expansion, in the fieldset `default`."""
    if not search.text:
        return "true"
    own = '({grammar: "tokenize"}userInput(@q))'
    expansions = [_expansion(text, weight) for text, weight in search.expansions]
    return f"({' or '.join([own, *filter(None, expansions)])})"


def _expansion(text: str, weight: float) -> str:
    """Its words as `userInput` has those of the query, each with the weight, which `userInput`
    takes none of; "" where it has no word."""
    of_each = max(1, round(OWN_WEIGHT * weight))
    words = [f'default contains ({{weight: {of_each}}}"{word}")' for word in _words(text)]
    if len(words) > 1:
        return f"weakAnd({', '.join(words)})"
    return words[0] if words else ""


def _phrase(field: str, text: str) -> str:
    """Its words next to each other; "" where it has none."""
    words = [f'"{word}"' for word in _words(text)]
    if not words:
        return ""
    phrase = words[0] if len(words) == 1 else f"phrase({', '.join(words)})"
    return f"{field} contains {phrase}"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _excluded(exclusion: Exclusion) -> str:
    has = " or ".join(_phrase(field, exclusion.term) for field in exclusion.fields)
    if not exclusion.unless:
        return f"!({has})"
    unless = " or ".join(_phrase(exclusion.fields[0], phrase) for phrase in exclusion.unless)
    return f"!(({has}) and !({unless}))"


def _clause(clause: Clause) -> str:
    if isinstance(clause, Match):
        values = [f"{clause.field} contains {_literal(value)}" for value in clause.values]
        return values[0] if len(values) == 1 else f"({' or '.join(values)})"
    if isinstance(clause, Ranges):
        return f"({' or '.join(map(_clause, clause.ranges))})"
    bounds = ((">=", clause.low), ("<=", clause.high))
    ends = [f"{clause.field} {sign} {number(end)}" for sign, end in bounds if end is not None]
    return ends[0] if len(ends) == 1 else f"({' and '.join(ends)})"


def _literal(text: str) -> str:
    """A string of YQL, whose escapes are those of JSON in ASCII."""
    return json.dumps(text)
