"""Renders an enriched event as the query of a search engine: the engines by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from worker.commands.render import elasticsearch, solr, vespa
from worker.commands.render.fields import Fields
from worker.commands.render.search import Search, search

ENGINES: dict[str, Callable[[Search, Fields], dict[str, Any]]] = {
    "elasticsearch": elasticsearch.body,
    "solr": solr.body,
    "vespa": vespa.body,
}


def renderer(engine: str, fields: Fields) -> Callable[[bytes], bytes]:
    """A function from an output event's bytes to the JSON body of the engine's search request."""
    body = ENGINES[engine]

    def rendered(event: bytes) -> bytes:
        return orjson.dumps(body(search(orjson.loads(event), fields), fields))

    return rendered
