"""What a build found out and the next one need not: rows of the catalogue, answers of models.

A model is asked about each text alone: what it says of a text may differ in the last digit with
what stands beside it in a batch, and a build after a change must give the same bytes as one from
nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from worker.errors import LexiconError

_DIGEST, _SIZE = 32, 4  # bytes of a record's digest and of the length behind it
_WRITTEN = 500  # records that an interrupted build loses at most


class Cache:
    """Records by digest.

    Args:
        kind: what they depend on besides what the digest is of; records of another are not used.
        whole: the file of the build before.
        partial: the file to which a build appends while it runs; one that an interrupted build left
            is used too.
    """

    def __init__(self, kind: str, whole: Path, partial: Path) -> None:
        self._head = hashlib.sha256(kind.encode()).digest()
        self._partial = partial
        self._records: dict[bytes, bytes | memoryview] = {}
        self._used: set[bytes] = set()
        self._new: list[bytes] = []
        for path in (whole, partial):
            self._read(path)

    def _read(self, path: Path) -> None:
        block = memoryview(path.read_bytes() if path.is_file() else b"")
        if block[:_DIGEST] != self._head:
            if path == self._partial:
                path.unlink(missing_ok=True)
            return
        at = _DIGEST
        while (start := at + _DIGEST + _SIZE) <= len(block):
            end = start + int.from_bytes(block[start - _SIZE : start], "little")
            if end > len(block):
                break
            self._records[bytes(block[at : at + _DIGEST])] = block[start:end]
            at = end
        if path == self._partial and at < len(block):  # an interrupt cut the last record off
            os.truncate(path, at)

    def get(self, digest: bytes) -> bytes | memoryview | None:
        """A record, None where there is none."""
        if (found := self._records.get(digest)) is not None:
            self._used.add(digest)
        return found

    def put(self, digest: bytes, record: bytes) -> None:
        """Add a record.

        Raises:
            LexiconError: `partial` cannot be written.
        """
        self._records[digest] = record
        self._used.add(digest)
        self._new.append(digest)
        if len(self._new) >= _WRITTEN:
            self.flush()

    def flush(self) -> None:
        """Write what is new, for the case of an interrupt.

        Raises:
            LexiconError: as `put` does.
        """
        new, self._new = self._new, []
        if not new:
            return
        try:
            with self._partial.open("ab") as file:
                if not file.tell():
                    file.write(self._head)
                file.writelines(self._lines(new))
        except OSError as error:
            reason = f"{self._partial}: cannot be written ({error.strerror})"
            raise LexiconError(f"{reason}; name with --out a folder that can") from None

    def _lines(self, digests: Iterable[bytes]) -> Iterator[bytes | memoryview]:
        for digest in digests:
            record = self._records[digest]
            yield digest
            yield len(record).to_bytes(_SIZE, "little")
            yield record

    def used(self) -> bytes:
        """What the next build's `whole` holds: the records that this build used."""
        return b"".join([self._head, *self._lines(sorted(self._used))])


class Answers:
    """What a model says of texts: rows of half-precision numbers.

    Args:
        width: numbers in a row.
    """

    def __init__(self, width: int, cache: Cache) -> None:
        self._width, self.cache = width, cache
        self.asked = 0

    def rows(
        self,
        texts: Sequence[str],
        ask: Callable[[str], np.ndarray],
        done: Callable[[int], object] = lambda count: None,
    ) -> np.ndarray:
        """The row of each text: float32, shape [texts, width].

        Args:
            ask: gives the row of a text that is not known.
            done: is told how many more texts are ready.

        Raises:
            LexiconError: the cache cannot be written.
        """
        found = []
        for text in texts:
            digest = hashlib.sha256(text.encode()).digest()
            row = self.cache.get(digest)
            if row is None:
                row = np.asarray(ask(text)).astype("<f2").tobytes()
                self.cache.put(digest, row)
                self.asked += 1
            found.append(row)
            done(1)
        self.cache.flush()
        rows = np.frombuffer(b"".join(found), "<f2").astype(np.float32)
        return rows.reshape(len(texts), self._width)
