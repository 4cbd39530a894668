"""What the requests of Elasticsearch and Solr share: both write Lucene's Boolean query alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from worker.commands.render.search import Exclusion

Query = dict[str, Any]
ENOUGH = "2<75%"  # of more than two words, three in four are enough


def boolean(**clauses: Sequence[Any]) -> Query:
    """A Boolean query of the clauses of each occurrence type, such as `must`; empty ones are left
    out."""
    return {"bool": {occur: some for occur, some in clauses.items() if some}}


def excluded(exclusion: Exclusion, phrase: Callable[[str, Sequence[str]], Query]) -> Query:
    """The documents that may not be found.

    Args:
        phrase: the engine's query for a text in one of some fields.
    """
    has = phrase(exclusion.term, exclusion.fields)
    if not exclusion.unless:
        return has
    return boolean(
        must=[has],
        must_not=[phrase(text, exclusion.fields[:1]) for text in exclusion.unless],
    )
