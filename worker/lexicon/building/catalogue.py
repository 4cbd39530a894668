"""Reads catalogues block by block; a block that was read before is taken from the cache."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import triton_models.query_text
import worker.lexicon.building.blocks
import worker.lexicon.building.corpus
import worker.lexicon.building.rows
import worker.lexicon.building.sources
import worker.lexicon.words
from worker.lexicon.building.blocks import Block, blocks
from worker.lexicon.building.cache import Cache
from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.rows import Faults, is_json
from worker.lexicon.building.sources import products

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]
_ID = 8  # bytes of an id's digest


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
    """

    def __init__(self, columns: Mapping[str, str], cache: Cache, faults: Faults) -> None:
        self._columns, self._cache, self._faults = columns, cache, faults

    def read(self, paths: Iterable[Path], progress: Progress) -> Corpus:
        """The titles of the products of some catalogues, those with faults left out."""
        corpus = Corpus()
        for path in paths:
            with progress(path.name, 0) as done:
                for part in self._parts(path, done):
                    corpus.extend(part)
        self._cache.flush()
        return corpus

    def _parts(self, path: Path, done: Callable[[int], object]) -> Sequence[Corpus]:
        """The corpora of a file's blocks."""
        faults = Faults()
        parts = self._blocks(path, False, faults, done)
        if faults and len(parts) > 1 and not is_json(path.name):
            faults = Faults()  # the cut may be what is wrong
            parts = self._blocks(path, True, faults, done)
        self._faults.extend(faults)
        return parts

    def _blocks(
        self, path: Path, whole: bool, faults: Faults, done: Callable[[int], object]
    ) -> list[Corpus]:
        parts = []
        ids: set[int] = set()  # of one file: two shops may number alike
        for block in blocks(path, faults, whole):
            found, part = self._block(block, (), faults)
            if again := ids.intersection(found):
                found, part = self._block(block, again, faults)
            ids.update(found)
            parts.append(part)
            done(len(part))
            if faults.full(path.name):
                break
        return parts

    def _block(
        self, block: Block, known: Collection[int], faults: Faults
    ) -> tuple[Sequence[int], Corpus]:
        """The ids in a block, and the corpus of its products but those with a known id."""
        skipped = array("Q", sorted(known)).tobytes()
        digest = hashlib.sha256(len(block.head).to_bytes(4, "little") + block.head + skipped)
        digest.update(block.data)
        record = self._cache.get(digest.digest())
        if record is None:
            before = len(faults)
            ids, part = self._read(block, known, faults)
            if len(faults) == before:
                size = (len(ids) * _ID).to_bytes(4, "little")
                self._cache.put(digest.digest(), size + ids.tobytes() + part.packed())
            return ids, part
        end = 4 + int.from_bytes(record[:4], "little")
        ids = array("Q")
        ids.frombytes(record[4:end])
        return ids, Corpus.unpacked(record[end:])

    def _read(
        self, block: Block, known: Collection[int], faults: Faults
    ) -> tuple[array[int], Corpus]:
        part = Corpus()
        ids: dict[int, None] = {}
        for product in products(block, self._columns, faults):
            digest = hashlib.blake2b(product.id.encode(), digest_size=_ID).digest()
            number = int.from_bytes(digest, "little")
            if number in ids or number in known:
                part.repeated += 1
            else:
                ids[number] = None
                part.add(product)
        return array("Q", ids), part
