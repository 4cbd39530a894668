"""A search as the body of Elasticsearch's and OpenSearch's `_search`.

Texts are JSON values of `match` queries, which have no syntax of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker.commands.render.fields import Fields
from worker.commands.render.lucene import ENOUGH, Query, boolean, excluded
from worker.commands.render.search import Clause, Match, Ranges, Search


def body(search: Search, fields: Fields) -> Query:
    """The request's body; a search without words matches all that its filters leave."""
    query = boolean(
        must=[_text(search, fields)],
        filter=[_clause(clause) for clause in search.filters],
        should=[_clause(clause) for clause in search.boosts],
        must_not=[excluded(exclusion, _phrase) for exclusion in search.exclusions],
    )
    return {"query": query}


def _text(search: Search, fields: Fields) -> Query:
    if not search.text:
        return {"match_all": {}}
    searched = [f"{name}^{weight:g}" for name, weight in fields.text.items()]
    how = {"fields": searched, "type": "cross_fields", "minimum_should_match": ENOUGH}
    queries = [{"multi_match": {"query": search.text, **how}}]
    for text, weight in search.expansions:
        queries.append({"multi_match": {"query": text, **how, "boost": weight}})
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _phrase(text: str, fields: Sequence[str]) -> Query:
    return {"multi_match": {"query": text, "type": "phrase", "fields": list(fields)}}


def _clause(clause: Clause) -> Query:
    if isinstance(clause, Ranges):
        return boolean(should=[_clause(one) for one in clause.ranges])
    if not isinstance(clause, Match):
        bounds = {"gte": clause.low, "lte": clause.high}
        return {"range": {clause.field: {k: v for k, v in bounds.items() if v is not None}}}
    matches = [_match(clause, value) for value in clause.values]
    return matches[0] if len(matches) == 1 else {"dis_max": {"queries": matches}}


def _match(clause: Match, value: str) -> Query:
    boost = {} if clause.weight == 1 else {"boost": clause.weight}
    return {"match": {clause.field: {"query": value, "operator": "and"} | boost}}
