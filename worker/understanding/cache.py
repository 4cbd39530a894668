"""Enrichments of queries seen before, in bounded memory.

`Cache` is keyed by normal form, and used from the event loop alone. `SeenQueries` is keyed by the
query as it came, so that the fast lane needs no normal form. The event loop fills and clears it.
The Kafka thread reads it, and makes young again what it finds in the old generation. Changes are
made under a lock, reads without.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from worker.event import Enrichment

Key = tuple[str, str]  # normal form, language
RawKey = tuple[str, str | None]  # query as it came, locale
Generation = dict[str | None, dict[str, Enrichment]]
OVERHEAD = 700  # bytes of an entry's objects and its place, in addition to text


class Cache:
    """Enrichments in at most `capacity` bytes, about; the least recently used goes first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
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
        """Keep an entry in the place of its key's; what was used longest ago makes room."""
        if (old := self._entries.pop(key, None)) is not None:
            self._size -= _size(key, old)
        self._entries[key] = entry
        self._size += _size(key, entry)
        self._make_room()

    def resize(self, capacity: int) -> None:
        """Hold at most `capacity` bytes from now on."""
        self.capacity = capacity
        self._make_room()

    def _make_room(self) -> None:
        while self._size > self.capacity:
            self._size -= _size(*self._entries.popitem(last=False))


class SeenQueries:
    """Enrichments in at most `capacity` bytes, about, in two generations.

    When the young one has half of the bytes it becomes the old one, and the old one is forgotten;
    what is used of the old one becomes young again.

    Attributes:
        young: locale → query → enrichment, to look at many; what is not there may be old.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._lock = threading.Lock()
        self.young: Generation = {}
        self._old: Generation = {}
        self._size = 0  # bytes of the young generation

    def get(self, key: RawKey) -> Enrichment | None:
        entry = _find(self.young, key)
        if entry is None and (entry := _find(self._old, key)) is not None:
            self._renew(key, entry)
        return entry

    def put(self, key: RawKey, entry: Enrichment) -> None:
        """Keep an entry; nothing where `capacity` is 0."""
        if self.capacity:
            with self._lock:
                self._add(key, entry)

    def clear(self) -> None:
        with self._lock:
            self._old, self.young, self._size = {}, {}, 0

    def _renew(self, key: RawKey, entry: Enrichment) -> None:
        """Make an old entry young, unless it was forgotten since it was looked up."""
        with self._lock:
            if _find(self._old, key) is not None:
                self._add(key, entry)

    def _add(self, key: RawKey, entry: Enrichment) -> None:
        query, locale = key
        if locale not in self.young:
            self.young[locale] = {}
            self._size += OVERHEAD
        if query not in self.young[locale]:
            self._size += _size(key, entry)
        self.young[locale][query] = entry
        if self._size > self.capacity / 2:
            self._old, self.young, self._size = self.young, {}, 0


def _find(generation: Generation, key: RawKey) -> Enrichment | None:
    query, locale = key
    queries = generation.get(locale)
    return queries.get(query) if queries else None


def _size(key: Key | RawKey, entry: Enrichment) -> int:
    return OVERHEAD + 4 * len(key[0]) + len(entry.body)
