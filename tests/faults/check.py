"""Whether one record that came out is what its input must become.

An output begins with its input's own bytes without the closing brace, keeps key and headers, holds
the schema, and bears the enrichment that the same query gets with the same versions when nothing
is wrong. Versions are mixed when its provenance names a set that was never served together, or the
content is that of another version than it says.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Message

from tests.faults.inputs import Sent
from tests.stream import schema
from worker.build import Understanding
from worker.config.settings import Settings
from worker.event import OUTPUT_NAMES, Input

TAIL = re.compile(rb'(?<=,"cached":)(?:true|false)\},"processed_at":\d{13}\}\Z')
BODY = b'"schema_version":'
BATCH = 256
ROUNDING = 0.00011  # scores have four decimals
Versions = tuple[str | None, ...]


class Reference:
    """Enrichments by query, made in this process with each set of versions that was served."""

    def __init__(self) -> None:
        self._bodies: dict[Versions, dict[str, bytes]] = {}

    def learn(self, settings: Settings, queries: Iterable[str]) -> None:
        """Enrich the queries with the models and the lexicon of these settings."""
        asyncio.run(self._learn(settings, sorted(set(queries))))

    def put(self, query: str, body: bytes) -> None:
        """The enrichment of a query: its bytes up to the value of `cached`."""
        self._bodies.setdefault(_versions(body), {})[query] = body

    def compare(self, query: str, body: bytes) -> str | None:
        """What is wrong with an enrichment; begins with `mixed` if it is the versions."""
        if body in (bodies.get(query) for bodies in self._bodies.values()):
            return None
        expected = self._bodies.get(_versions(body), {}).get(query)
        if expected is None:
            return f"mixed versions: {_versions(body)}"
        if _alike(_content(body), _content(expected)):
            return None
        others = (bodies.get(query) for bodies in self._bodies.values())
        if any(other and _alike(_content(other), _content(body)) for other in others):
            return f"mixed versions: content of others than {_versions(body)}"
        return f"enrichment {body!r}, expected {expected!r}"

    async def _learn(self, settings: Settings, queries: list[str]) -> None:
        understanding = Understanding(settings)
        async with understanding.ready(60):
            for start in range(0, len(queries), BATCH):
                part = queries[start : start + BATCH]
                items = [Input(json.dumps({"query": q}).encode(), "", 0) for q in part]
                results = await understanding.pipeline.process(items)
                for query, result in zip(part, results, strict=True):
                    self.put(query, result.enrichment.body)


def _versions(body: bytes) -> Versions:
    return tuple(_opened(body)["provenance"].values())[:-1]


def _content(body: bytes) -> dict:
    return {k: v for k, v in _opened(body).items() if k != "provenance"}


def _alike(one: Any, other: Any) -> bool:
    """Equal, but for a rounding: a score may depend on the rows beside it in its last bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDING
    return type(one) is type(other) and one == other


def _opened(body: bytes) -> dict:
    return json.loads(b"{" + body + b"false}}")


class Checker:
    """Looks at outputs and dead letters, against the inputs and a reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._schema = schema("output")
        self._valid: set[tuple[str, bytes]] = set()  # queries with a body that holds the schema

    def output(self, sent: Sent, message: Message, place: str) -> str | None:
        """What is wrong with an output; None when nothing is.

        Args:
            place: topic-partition-offset of its input.
        """
        value = message.value() or b""
        start, tail = value.find(BODY), TAIL.search(value)
        if start < 0 or tail is None:
            return f"not an output: {value[:200]!r}"
        head, body = value[:start], value[start : tail.start()]
        fault = _envelope(sent, message, message.headers()) or _head(sent, head, place)
        if fault:
            return fault
        if (sent.query, body) in self._valid:
            return None
        fault = self._reference.compare(sent.query, body)
        if fault is None and not self._schema.is_valid(json.loads(value)):
            fault = f"does not hold the schema: {value[:500]!r}"
        if fault is None:
            self._valid.add((sent.query, body))
        return fault

    def dead_letter(self, sent: Sent, message: Message, place: str) -> str | None:
        """What is wrong with a dead letter; whether it had to be one is not asked here."""
        if message.value() != sent.record.value:
            return f"the dead letter's bytes are not the input's: {message.value()[:200]!r}"
        headers, own = message.headers() or [], len(sent.record.headers)
        if fault := _envelope(sent, message, headers[:own]):
            return fault
        told = dict(headers[own:])
        source = "-".join(
            (told.get(f"x-source-{name}") or b"?").decode()
            for name in ("topic", "partition", "offset")
        )
        return None if source == place else f"the dead letter says it is {source}"


def reason(message: Message) -> str:
    """Why a dead letter was refused: its last `x-error-type`."""
    return (dict(message.headers() or []).get("x-error-type") or b"unknown").decode()


def _envelope(sent: Sent, message: Message, headers: list | None) -> str | None:
    if message.key() != sent.record.key:
        return f"key {message.key()!r}, expected {sent.record.key!r}"
    expected = list(sent.record.headers)
    return None if headers == expected else f"headers {headers}, expected {expected}"


def _head(sent: Sent, head: bytes, place: str) -> str | None:
    """What stands before the enrichment: the input, and defaults of what it lacks."""
    value = sent.record.value
    whole = json.loads(head.rstrip(b", ") + b"}")
    own = json.loads(value)
    if not any(name in own for name in OUTPUT_NAMES):
        begin = value.rstrip()[:-1] + b","
        if not head.startswith(begin):
            return f"begins with {head[:200]!r}, expected {begin[:200]!r}"
    kept = {name: item for name, item in own.items() if name not in OUTPUT_NAMES}
    if {name: whole.get(name) for name in kept} != kept:
        return f"fields {head[:200]!r}, expected {kept}"
    expected = own.get("query_id", place)
    if whole.get("query_id") != expected:
        return f"query_id {whole.get('query_id')!r}, expected {expected!r}"
    extra = set(whole) - set(kept) - {"query_id", "timestamp"}
    return f"fields that nobody sent: {extra}" if extra else None
