"""Reads catalogues block by block; a block that was read before is taken from the cache."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import triton_models.query_text
import worker.lexicon.building.blocks
import worker.lexicon.building.corpus
import worker.lexicon.building.rows
import worker.lexicon.building.sources
import worker.lexicon.words
from worker.lexicon.building import sources
from worker.lexicon.building.blocks import Block, blocks
from worker.lexicon.building.cache import Cache
from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.rows import Faults, is_json
from worker.lexicon.building.sources import products

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]
_ID = 8  # bytes of an id's digest
LAST = 16  # a block whose digest begins with a lesser byte is the last of those merged: 1 in 16


def kind(columns: Mapping[str, str]) -> str:
    """What the corpus of a block depends on besides its bytes: names of columns, and this code."""
    modules = (
        worker.lexicon.building.blocks,
        worker.lexicon.building.corpus,
        worker.lexicon.building.rows,
        worker.lexicon.building.sources,
        worker.lexicon.words,
        triton_models.query_text,
        sys.modules[__name__],
    )
    code = [hashlib.sha256(Path(str(module.__file__)).read_bytes()) for module in modules]
    return f"{sys.version} {sorted(columns.items())} {[one.hexdigest() for one in code]}"


class Reader:
    """Reads catalogues.

    Args:
        columns: as `products` takes them.
        cache: of the kind that `kind` gives for them.
        clicked: ids of products in query logs.

    Attributes:
        unread: of a file, a sentence on columns that are not read.
        known: those of the clicked ids that a catalogue has.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        cache: Cache,
        faults: Faults,
        clicked: Iterable[str] = (),
    ) -> None:
        self._columns, self._cache, self._faults = columns, cache, faults
        self._clicked = {_number(text): text for text in clicked}
        self.unread: dict[Path, str] = {}
        self.known: set[str] = set()

    def read(self, paths: Iterable[Path], progress: Progress) -> Corpus:
        """The titles of some catalogues; of none that has faults."""
        corpus = Corpus()
        for path in paths:
            with progress(path.name, 0) as done:
                for part in self._parts(path, done):
                    corpus.extend(part)
        self._cache.flush()
        return corpus

    def _parts(self, path: Path, done: Callable[[int], object]) -> Iterator[Corpus]:
        """The corpora of a file, each of several blocks; none if it has faults."""
        faults = Faults()
        is_table = not is_json(path.name)
        whole = is_table and not path.is_file()  # a pipe cannot be read again
        digests = self._blocks(path, whole, faults, done)
        if faults and len(digests) > 1 and is_table:
            faults = Faults()  # the cut may be what is wrong
            digests = self._blocks(path, True, faults, done)
        self._faults.extend(faults)
        start = 0
        for end, digest in enumerate([] if faults else digests, 1):
            if digest[0] < LAST or end == len(digests):
                yield self._merged(digests[start:end])
                start = end

    def _merged(self, digests: Sequence[bytes]) -> Corpus:
        """The corpus of some blocks, kept as well: a thousand small ones take longer to merge."""
        digest = hashlib.sha256(b"".join(digests)).digest()
        if (record := self._cache.get(digest)) is not None:
            return Corpus.unpacked(record)
        merged = Corpus()
        for one in digests:
            merged.extend(Corpus.unpacked(_split(self._cache.get(one) or b"")[1]))
        self._cache.put(digest, merged.packed())
        return merged

    def _blocks(
        self, path: Path, whole: bool, faults: Faults, done: Callable[[int], object]
    ) -> list[bytes]:
        """Reads what is not cached, and gives the digest of each block."""
        digests = []
        ids: set[int] = set()  # of one file: two shops may number alike
        for block in blocks(path, faults, whole):
            if block.line == 1 and (unread := sources.unread(block, self._columns)):
                self.unread[path] = unread
            digest, found = self._block(block, (), faults)
            if again := ids.intersection(found):
                digest, found = self._block(block, again, faults)
            ids.update(found)
            self.known.update(self._clicked[n] for n in self._clicked.keys() & found)
            digests.append(digest)
            done(len(found))
            if faults.full(path.name):
                break
        return digests

    def _block(
        self, block: Block, known: Collection[int], faults: Faults
    ) -> tuple[bytes, Sequence[int]]:
        """The digest of a block, and the ids of its products but those that are known; what is
        read without a fault is in the cache."""
        skipped = array("Q", sorted(known)).tobytes()
        hashed = hashlib.sha256(len(block.head).to_bytes(4, "little") + block.head + skipped)
        hashed.update(block.data)
        digest = hashed.digest()
        if (record := self._cache.get(digest)) is not None:
            return digest, _split(record)[0]
        before = len(faults)
        ids, part = self._read(block, known, faults)
        if len(faults) == before:
            size = (len(ids) * _ID).to_bytes(4, "little")
            self._cache.put(digest, size + ids.tobytes() + part.packed())
        return digest, ids

    def _read(
        self, block: Block, known: Collection[int], faults: Faults
    ) -> tuple[array[int], Corpus]:
        part = Corpus()
        ids: dict[int, None] = {}
        for product in products(block, self._columns, faults):
            number = _number(product.id)
            if number in ids or number in known:
                part.repeated += 1
            else:
                ids[number] = None
                part.add(product)
        return array("Q", ids), part


def _number(text: str) -> int:
    """The digest of an id."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_ID).digest(), "little")


def _split(record: bytes | memoryview) -> tuple[array[int], bytes | memoryview]:
    """Ids, and what `Corpus.unpacked` takes."""
    end = 4 + int.from_bytes(record[:4], "little")
    ids = array("Q")
    ids.frombytes(record[4:end])
    return ids, record[end:]
