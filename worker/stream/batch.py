"""Records that travel together: one partition's, in offset order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import methodcaller

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from worker.errors import Reject
from worker.understanding.pipeline import Result

REPLAY_HEADER = "x-replayed"  # of a marker in the dead-letter topic, see replay_markers.py
MAX_HEADERS, MAX_HEADER_BYTES = 100, 65_536
# Few and short headers need no closer look.
FEW_HEADERS, SHORT_HEADER = 16, 1024
OVERHEAD = 200  # bytes that a message, or one header, takes beside its content, about
Header = tuple[str, bytes | None]
_UNREADABLE: list[Header] = []  # known by its identity
# A header that the client cannot read makes it return a list with a hole and set an error beside
# it. A call in Python's own code may overlook that and then crash; one from C code raises it.
_call_headers = methodcaller("headers")


@dataclass(eq=False, slots=True)
class Batch:
    """Consecutive records of one partition that wait for their results, or for those before them.

    Attributes:
        results: of each record; None where it is not known yet.
        misses: how many results the pipeline makes.
        size: bytes of the records.
        fetched_at: `time.monotonic()` when their round came.
        ready: whether all results are known.
        next: position of the first record that is not produced yet.
        stale: the partition was revoked or rewound: nothing of it is produced any more.
    """

    partition: int
    records: list[Message]
    results: list[Result | None]
    misses: int
    size: int
    fetched_at: float
    ready: bool = False
    next: int = 0
    stale: bool = False


def by_partition(messages: Iterable[Message]) -> dict[int, list[Message]]:
    """Records by partition, offset order kept."""
    groups: defaultdict[int, list[Message]] = defaultdict(list)
    for number, run in groupby(messages, Message.partition):
        groups[number] += run
    return groups


def headers(record: Message) -> list[Header] | None:
    """The record's headers; None when a name is not UTF-8, which the client cannot read."""
    try:
        found = _call_headers(record)
    except (SystemError, UnicodeDecodeError):
        found = _UNREADABLE
        record.set_headers(found)  # asked again, the client would give out what it has half made
    return None if found is _UNREADABLE else found or []


def quick_headers(records: Sequence[Message]) -> list[list[Header] | None]:
    """The headers of many records; None where there are none.

    Where some cannot be read, a list that is not empty stands for each record: ask `headers`.
    """
    found: list[list[Header] | None] = []
    try:
        found.extend(map(Message.headers, records))  # from C code, too
    except (SystemError, UnicodeDecodeError):
        records[len(found)].set_headers(_UNREADABLE)  # see `headers`
        return [[("", None)]] * len(records)
    return found


def has_plain_headers(found: list[Header] | None) -> bool:
    """Whether `refused_headers` surely takes them; a quick look."""
    if found is None or len(found) > FEW_HEADERS:
        return False
    return all(len(name) + len(value or b"") <= SHORT_HEADER for name, value in found)


def time_ms(record: Message) -> int:
    """Its Kafka timestamp, Unix milliseconds; 0 when it has none."""
    kind, found = record.timestamp()
    return 0 if kind == TIMESTAMP_NOT_AVAILABLE else max(found, 0)


def refused_headers(record: Message) -> Reject | None:
    """Why the record's headers are refused; None if they are accepted."""
    found = headers(record)
    if found is None:
        message = "the name of a header is not UTF-8; the headers are lost"
        return Reject("decode", "invalid_headers", message)
    if not found:
        return None
    if len(found) > MAX_HEADERS:
        message = f"{len(found)} headers, at most {MAX_HEADERS}"
        return Reject("decode", "too_many_headers", message)
    total = sum(len(name.encode()) + len(value or b"") for name, value in found)
    if total > MAX_HEADER_BYTES:
        message = f"{total} bytes of headers, at most {MAX_HEADER_BYTES}"
        return Reject("decode", "headers_too_large", message)
    return None


def record_id(record: Message) -> str:
    """`topic-partition-offset`."""
    return f"{record.topic()}-{record.partition()}-{record.offset()}"


def size(records: Iterable[Message]) -> int:
    """Bytes of keys, values and headers, as far as they decide memory."""
    total = 0
    for record in records:
        total += len(record.value() or b"") + len(record.key() or b"") + OVERHEAD
        for name, value in headers(record) or ():
            total += len(name) + len(value or b"") + OVERHEAD
    return total
