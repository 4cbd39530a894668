"""The files of a built lexicon: what they are called, how they are read, how to search them.

`lexicon.json` holds the version, the encoder and the hashes of the rest; `terms.jsonl` a term a
line; `attributes.json` the tables of attribute words; `brands.json` the brands; `vectors.usearch`
one vector a term, its key the term's line in `terms.jsonl`, from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from usearch.index import Index

from triton_models.contract import sha256
from worker.errors import LexiconError
from worker.lexicon.words import key

MANIFEST = "lexicon.json"
TERMS = "terms.jsonl"
ATTRIBUTES = "attributes.json"
BRANDS = "brands.json"
VECTORS = "vectors.usearch"
BUILD = "python -m worker.lexicon.build"
FIELDS = {"format", "version", "dimension", "encoder_onnx_sha256", "sha256"}
FORMAT = 2  # of these files; one more with each change that older code cannot read

# How many nodes a search for neighbours looks at: as few as find nearly all that are nearest.
RECALL, OF = 0.95, 8  # the nearest, as many as a query has candidates by default
FETCHED = 16  # at once, so that eight are left without those that stand in the query
EFFORTS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
MOST_QUERIES, COMPARISONS = 256, 2**20  # few queries on a large lexicon, so that it loads quickly
FEWEST_QUERIES = 32


@dataclass(frozen=True, slots=True)
class Term:
    """A term as it was built.

    Attributes:
        names: its name, then its synonyms: the text and the keys it is found by, its own first.
        category: path such as "Shoes > Running".
        parent: id of the broader term, or None.
    """

    names: tuple[tuple[str, tuple[str, ...]], ...]
    category: str
    parent: int | None

    @property
    def department(self) -> str:
        """The first level of its category."""
        return self.category.partition(" > ")[0]

    @classmethod
    def from_line(cls, line: bytes) -> Term:
        """Read a line of `terms.jsonl`; there a name is its text and its derived keys."""
        fields = orjson.loads(line)
        names = ((text, (key(text), *derived)) for text, *derived in fields["names"])
        return cls(tuple(names), fields["category"], fields["parent"])


def upwards(terms: Sequence[Term], term_id: int | None) -> Iterator[int]:
    """The id of a term and of those above it, the nearest first."""
    while term_id is not None:
        yield term_id
        term_id = terms[term_id].parent


@dataclass(frozen=True, slots=True)
class Built:
    """A built lexicon, read.

    Attributes:
        manifest: what `lexicon.json` holds.
        terms: in the order of their ids.
        attributes: tables as `Attributes` takes them.
        brands: as `Brands` takes them.
        index: the terms' vectors.
    """

    manifest: dict[str, Any]
    terms: list[Term]
    attributes: dict[str, Any]
    brands: list[dict[str, Any]]
    index: Index


def read(folder: Path) -> Built:
    """Read a built lexicon: `folder` itself, or `built` in it.

    Raises:
        LexiconError: a file is missing, or is not the one that the manifest was written for.
    """
    folder = _place(folder)
    manifest = _manifest(folder)
    try:
        lines = (folder / TERMS).read_bytes().splitlines()
        terms = [Term.from_line(line) for line in lines]
        tables = orjson.loads((folder / ATTRIBUTES).read_bytes())
        brands = orjson.loads((folder / BRANDS).read_bytes())
        return Built(manifest, terms, tables, brands, Index.restore(folder / VECTORS))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _unusable(folder, f"{type(error).__name__}: {error}") from None


def version(folder: Path) -> str:
    """The version of a built lexicon, once all its files are known to be whole.

    Raises:
        LexiconError: as `read` does.
    """
    return _manifest(_place(folder))["version"]


def _place(folder: Path) -> Path:
    """Where the files are; a link is followed once, so that all are read behind the same one."""
    folder = folder / "built" if (folder / "built").is_dir() else folder
    return folder.resolve() if folder.is_dir() else folder


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest, once every file that it names is the one it was written for."""
    path = folder / MANIFEST
    if not path.is_file():
        raise LexiconError(
            f"{path}: not found; correct lexicon.folder, or build it: {BUILD} --source FOLDER"
        )
    try:
        manifest = orjson.loads(path.read_bytes())
        if missing := FIELDS - manifest.keys():
            raise _unusable(folder, f"{MANIFEST} lacks {', '.join(sorted(missing))}")
        if manifest["format"] != FORMAT:
            raise _unusable(folder, f"its format is {manifest['format']}, not {FORMAT}")
        for name in (TERMS, ATTRIBUTES, BRANDS, VECTORS):
            if sha256(folder / name) != manifest["sha256"][name]:
                raise _unusable(folder, f"{name} is not the file that {MANIFEST} was written for")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(folder, f"{type(error).__name__}: {error}") from None
    return manifest


def _unusable(folder: Path, reason: str) -> LexiconError:
    again = f"{BUILD} --source FOLDER --out {folder}"
    return LexiconError(f"{folder}: unusable lexicon ({reason}); build it again: {again}")


def quantized(vectors: np.ndarray) -> np.ndarray:
    """Vectors as int8, each stretched to the full range: the cosine does not see the scale.

    Args:
        vectors: float32, shape [n, dimension], none of them zero.
    """
    return np.rint(vectors * (127 / np.abs(vectors).max(axis=1, keepdims=True))).astype(np.int8)


def effort(index: Index) -> int:
    """The least of EFFORTS with which RECALL of the exact neighbours is found.

    The queries that it is measured on lie between the vectors of two terms; they are the same each
    time, so that every worker of a group finds the same neighbours.
    """
    terms = len(index)
    if terms <= FETCHED:
        return EFFORTS[0]
    count = min(MOST_QUERIES, max(FEWEST_QUERIES, COMPARISONS // terms))
    chosen = np.random.default_rng(7).integers(0, terms, 2 * count)
    pairs = np.vstack(index.get(chosen)).astype(np.int16).reshape(count, 2, -1)
    queries = (pairs.sum(axis=1) // 2).astype(np.int8)
    exact = index.search(queries, OF, exact=True, threads=1).keys
    for tried in EFFORTS[:-1]:
        index.expansion_search = tried
        found = index.search(queries, FETCHED, threads=1).keys
        if _recall(found, exact) >= RECALL:
            return tried
    return EFFORTS[-1]


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float((found[:, :, None] == exact[:, None, :]).any(axis=1).mean())
