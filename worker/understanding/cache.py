"""Enrichments of queries seen before: least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict

from worker.event import Enrichment

Key = tuple[str, str]  # normal form, language
OVERHEAD = 700  # bytes of an entry's objects and its place, beside text


class Cache:
    """Enrichments in at most `capacity` bytes, about; used from the event loop alone."""

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


def _size(key: Key, entry: Enrichment) -> int:
    return OVERHEAD + 4 * len(key[0]) + len(entry.body)
