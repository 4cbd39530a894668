"""What models say of texts, kept by the SHA-256 of the text, so that a build asks only what is new.

A text is asked alone: what a model says of it may differ in the last digit with what stands beside
it in a batch, and a build after a change must give the same bytes as one from nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from worker.errors import LexiconError

_DIGEST = 32  # bytes
_WRITTEN = 500  # texts that an interrupted build loses at most


class Cache:
    """Rows of half-precision numbers by text.

    Args:
        model: hash of the model; rows of another are not used.
        width: numbers in a row.
        whole: the file of the build before.
        partial: the file to which a build appends while it runs; one that an interrupted build left
            is used too.
    """

    def __init__(self, model: str, width: int, whole: Path, partial: Path) -> None:
        self._head = hashlib.sha256(f"{model} {width}".encode()).digest()
        self._width, self._partial = width, partial
        self._rows: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self.asked = 0
        for path in (whole, partial):
            self._read(path)

    def _read(self, path: Path) -> None:
        block = path.read_bytes() if path.is_file() else b""
        if block[:_DIGEST] != self._head:
            if path == self._partial:
                path.unlink(missing_ok=True)
            return
        size = _DIGEST + 2 * self._width
        for at in range(_DIGEST, len(block) - size + 1, size):
            self._rows[block[at : at + _DIGEST]] = block[at + _DIGEST : at + size]

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
            LexiconError: `partial` cannot be written.
        """
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        self._used.update(digests)
        new: list[bytes] = []
        for text, digest in zip(texts, digests, strict=True):
            if digest not in self._rows:
                self._rows[digest] = np.asarray(ask(text)).astype("<f2").tobytes()
                new.append(digest)
                self.asked += 1
                if len(new) == _WRITTEN:
                    self._append(new)
                    new = []
            done(1)
        self._append(new)
        rows = b"".join([self._rows[digest] for digest in digests])
        return np.frombuffer(rows, "<f2").astype(np.float32).reshape(len(texts), self._width)

    def _append(self, digests: Sequence[bytes]) -> None:
        if digests:
            try:
                with self._partial.open("ab") as file:
                    if not file.tell():
                        file.write(self._head)
                    file.write(b"".join([digest + self._rows[digest] for digest in digests]))
            except OSError as error:
                reason = f"{self._partial}: cannot be written ({error.strerror})"
                raise LexiconError(f"{reason}; name with --out a folder that can") from None

    def used(self) -> bytes:
        """What the next build's `whole` holds: the rows that this build used."""
        rows = (digest + self._rows[digest] for digest in sorted(self._used))
        return b"".join([self._head, *rows])
