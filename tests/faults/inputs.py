"""What is sent: record n of a seed, always the same, so that nothing of it need be kept.

Each record bears its number in a header, which the worker hands on whatever it makes of the rest.
Keys repeat, each in one partition; a few records have none. Queries of the `warm` kind repeat and
come from the worker's cache; `cold` ones go to the models. The rest is what users send as well.
"""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field
from functools import lru_cache

from tests.stream import Record

NUMBER = "number"  # the header
KEYS = 200
WARM, COLD = 50, 20_000  # different queries of each kind
WORDS = ["red", "blue", "running", "shoes", "sneakers", "boots", "where", "is", "my", "order"]
OUTPUT_LIMIT = 60_000  # max.message.bytes of the output topic
OVERSIZE = OUTPUT_LIMIT + 2_000
# Kind → how often it comes, of 1,000 records. `oversize` ones come by a fault alone.
SHARES = {
    "warm": 441,
    "cold": 480,
    "taken": 15,
    "padded": 15,
    "not_json": 10,
    "not_utf8": 10,
    "deep": 10,
    "tombstone": 10,
    "no_query": 9,
}
# Why the worker must refuse a kind: the dead letter's x-error-type.
REASONS = {
    "not_json": "invalid_json",
    "not_utf8": "invalid_utf8",
    "deep": "nested_too_deeply",
    "tombstone": "null_value",
    "no_query": "missing_query",
    "oversize": "output_refused",
}


@dataclass(frozen=True)
class Sent:
    """One record and what is to be known about it.

    Attributes:
        query: its query, "" where there is none.
        reason: why it must become a dead letter; None when it must come out enriched.
    """

    kind: str
    query: str
    record: Record
    reason: str | None


@dataclass(frozen=True)
class Inputs:
    """All records of one seed.

    Attributes:
        shares: kind → how often it comes, as in `SHARES`.
        large: the numbers of those that are of kind `oversize`, whatever was drawn.
    """

    seed: int
    partitions: int
    shares: dict[str, int] = field(default_factory=lambda: SHARES)
    large: set[int] = field(default_factory=set)

    def __getitem__(self, number: int) -> Sent:
        draw = random.Random(self.seed * 1_000_003 + number)
        kind = draw.choices(list(self.shares), list(self.shares.values()))[0]
        kind = "oversize" if number in self.large else kind
        key = draw.randrange(KEYS)
        query = "" if REASONS.get(kind, "") not in ("", "output_refused") else _query(kind, draw)
        record = Record(
            _value(kind, query, number, draw),
            f"key-{key}".encode() if key else None,
            ((NUMBER, str(number).encode()), ("trace", b"00-%d" % number), ("none", None)),
            key % self.partitions,
        )
        return Sent(kind, query, record, REASONS.get(kind))

    def partition(self, number: int) -> int:
        """The partition of a record, without making all of it."""
        draw = random.Random(self.seed * 1_000_003 + number)
        draw.random()  # the kind
        return draw.randrange(KEYS) % self.partitions


def _query(kind: str, draw: random.Random) -> str:
    return query(draw.randrange(WARM)) if kind == "warm" else query(WARM + draw.randrange(COLD))


@lru_cache(maxsize=WARM + COLD)
def query(rank: int) -> str:
    """One of the queries; of the same words in many orders and amounts, so answers differ."""
    draw = random.Random(rank)
    words = draw.choices(WORDS, k=draw.randint(1, 8))
    return " ".join(words) + f" {rank}"


def _value(kind: str, query: str, number: int, draw: random.Random) -> bytes | None:
    event: dict[str, object] = {"query": query, "n": number, "price": 1.5}
    if number % 2:
        event["query_id"] = f"id-{number}"
    match kind:
        case "tombstone":
            return None
        case "not_json":
            return b'{"query": "half of it %d' % number
        case "not_utf8":
            return b'{"query": "\xff %d"}' % number
        case "deep":
            return b'{"query": "deep", "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"
        case "no_query":
            return b'{"q": "red shoes", "n": %d}' % number
        case "oversize":  # what compresses would come through
            event["pad"] = base64.b64encode(draw.randbytes(OVERSIZE * 3 // 4)).decode()
        case "taken":  # names that the worker gives away itself
            event |= {"intent": "mine", "status": 5}
        case "padded":
            return b'  {"n": %d, "query":  "%b" }\r\n ' % (number, query.encode())
    return json.dumps(event).encode()
