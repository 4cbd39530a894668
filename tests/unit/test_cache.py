"""Enrichments of queries seen before, in bounded memory, and none after it was to be forgotten."""

from worker.event import Enrichment
from worker.understanding.cache import SeenQueries

ENRICHMENT = Enrichment(b'"schema_version":"1.1","provenance":{"cached":', "browse")


def test_what_is_forgotten_while_it_is_read_does_not_come_back():
    """The Kafka thread reads, the event loop forgets: else an older model's answer would stay."""
    seen = SeenQueries(4000)
    for number in range(3):
        seen.put((f"query {number}", None), ENRICHMENT)
    assert seen._old, "what is read there becomes young again"

    class Forgetting(dict):
        def get(self, key):
            found = super().get(key)
            seen.clear()
            return found

    seen._old = Forgetting(seen._old)
    seen.get(("query 0", None))
    assert seen.get(("query 0", None)) is None and not seen.young
