"""`splice`: about the fastest loop in Python that adds an enrichment to each event.

Only `query` is decoded, typed; a ready enrichment is looked up and put before the closing brace of
the input. Enrichments are as long and as different as the worker's with the starter lexicon, since
that decides what it costs to compress them. Commits as `bare` does, and ends when a record is not
delivered.
"""

from __future__ import annotations

from random import Random

import msgspec
import orjson

from load_tests.queries import COLORS, MATERIALS, NOUNS
from load_tests.reference import loop

INTENTS = ("purchase", "browse", "inquiry", "complaint", "other")
VERSIONS = {"worker": "0.1.0", "intent": "intent:1", "encoder": "encoder:1"}
VERSIONS |= {"matching": "matching:1", "lexicon": "0f5f3795"}


class Head(msgspec.Struct):
    query: str


decode = msgspec.json.Decoder(Head).decode
ready: dict[str, bytes] = {}


def enrichment(query: str) -> bytes:
    """The members that are added to each event of this query, beginning with a comma."""
    random = Random(query)

    def score() -> float:
        return round(random.random(), 4)

    def attribute(value: str) -> dict:
        start = random.randrange(20)
        return {"name": "material", "value": value, "start": start, "end": start + len(value)}

    scores = {intent: score() for intent in INTENTS}
    label = max(scores, key=scores.get)
    terms, paths = random.sample(NOUNS, random.randint(0, 5)), random.sample(NOUNS, 2)
    values = random.sample([*COLORS, *MATERIALS], random.randint(1, 3))
    members = {
        "schema_version": "1.1",
        "normalized_query": query,
        "language": "en",
        "correction": None,
        "intent": {"label": label, "confidence": scores[label], "scores": scores},
        "sentiment": None,
        "expansions": [{"term": t, "score": score(), "source": "embedding"} for t in terms],
        "exclusions": [],
        "categories": [{"path": f"Home > {path}", "score": score()} for path in paths],
        "attributes": [attribute(value) for value in values],
        "status": "complete",
        "degraded": [],
        "provenance": VERSIONS | {"cached": True},
        "processed_at": 1_790_000_000_000,
    }
    return b"," + orjson.dumps(members)[1:]


def transform(value: bytes) -> bytes:
    query = decode(value).query
    found = ready.get(query)
    if found is None:
        found = ready[query] = enrichment(query)
    return value[:-1] + found


if __name__ == "__main__":
    # No Python call for a delivered record.
    loop.main(transform, {"delivery.report.only.error": True, "on_delivery": loop.fail})
