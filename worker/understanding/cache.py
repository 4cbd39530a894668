"""Enrichments of queries seen before: least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict

from worker.events import Enrichment

Key = tuple[str, str]  # normal form, language
OVERHEAD = 700  # bytes of an entry's objects and its place, beside text


class Cache:
    """Enrichments in at most `capacity` bytes, about; used from the event loop alone."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[Key, Enrichment] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Enrichment | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Enrichment) -> None:
        """Keep a new entry; what was used longest ago makes room."""
        self._entries[key] = entry
        self._size += _size(key, entry)
        while self._size > self._capacity:
            self._size -= _size(*self._entries.popitem(last=False))

    def clear(self) -> None:
        self._entries.clear()
        self._size = 0


def _size(key: Key, entry: Enrichment) -> int:
    return OVERHEAD + 4 * len(key[0]) + len(entry.body)
