"""Records that travel together: one partition's, in offset order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import methodcaller

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from worker.errors import Reject
from worker.stream.offsets import Ticket

MARK = "x-replayed"  # the header of a mark in the dead-letter topic, see marks.py
MAX_HEADERS, MAX_HEADER_BYTES = 100, 65_536
OVERHEAD = 200  # bytes that a message, or one header, takes beside its content, about
Header = tuple[str, bytes | None]
_UNREADABLE: list[Header] = []  # known by its identity
# A header that the client cannot read makes it return a list with a hole and set an error beside
# it. A call in Python's own code may overlook that and then crash; one from C code raises it.
_call_headers = methodcaller("headers")


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition.

    Attributes:
        consumed_at: `time.monotonic()` when the first of their round came.
        deadly: one record that ended the process each time; it is not looked at again.
    """

    records: list[Message]
    ticket: Ticket
    consumed_at: float
    deadly: bool = False


def by_partition(messages: Iterable[Message]) -> dict[int, list[Message]]:
    """Records by partition, offset order kept; error messages left out."""
    groups: dict[int, list[Message]] = {}
    for message in messages:
        if message.error() is None:
            groups.setdefault(message.partition(), []).append(message)
    return groups


def headers(record: Message) -> list[Header] | None:
    """The record's headers; None when a name is not UTF-8, which the client cannot read."""
    try:
        found = _call_headers(record)
    except (SystemError, UnicodeDecodeError):
        found = _UNREADABLE
        record.set_headers(found)  # asked again, the client would give out what it has half made
    return None if found is _UNREADABLE else found or []


def time_ms(record: Message) -> int:
    """Its Kafka timestamp, Unix milliseconds; 0 when it has none."""
    kind, found = record.timestamp()
    return 0 if kind == TIMESTAMP_NOT_AVAILABLE else max(found, 0)


def refused_headers(record: Message) -> Reject | None:
    """Why the record's headers are not taken, if they are not."""
    found = headers(record)
    if found is None:
        told = "the name of a header is not UTF-8; the headers are lost"
        return Reject("decode", "invalid_headers", told)
    if not found:
        return None
    if len(found) > MAX_HEADERS:
        told = f"{len(found)} headers, at most {MAX_HEADERS}"
        return Reject("decode", "too_many_headers", told)
    total = sum(len(name.encode()) + len(value or b"") for name, value in found)
    if total > MAX_HEADER_BYTES:
        told = f"{total} bytes of headers, at most {MAX_HEADER_BYTES}"
        return Reject("decode", "headers_too_large", told)
    return None


def place(record: Message) -> str:
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
