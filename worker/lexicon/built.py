"""The files of a built lexicon: what they are called, how they are read, how to search them.

`lexicon.json` holds the version, the encoder and the hashes of the rest; `terms.bin` and
`keys.marisa` the terms (see `worker.lexicon.terms`); `spellings.marisa` which words are right, and
what others may be misspelt for (see `worker.lexicon.spellings`); `attributes.json` the tables of
attribute words; `brands.json` the brands; `told.json` what the terms' names say of a thing (see
`worker.lexicon.told`); `vectors.usearch` one vector a term, its key the term's position.
Terms, keys, spellings and vectors are mapped: a file is never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from usearch.index import Index

from triton_models.contract import sha256
from worker.errors import LexiconError
from worker.lexicon import brands, told
from worker.lexicon.spellings import SPELLINGS, Spellings
from worker.lexicon.terms import KEYS, TERMS, Terms

MANIFEST = "lexicon.json"
ATTRIBUTES = "attributes.json"
BRANDS = "brands.json"
TOLD = "told.json"
VECTORS = "vectors.usearch"
BUILD = "query-worker lexicon build --source FOLDER"
FILES = (KEYS, TERMS, SPELLINGS, ATTRIBUTES, BRANDS, TOLD, VECTORS)
FIELDS = {"format", "version", "dimension", "encoder_onnx_sha256", "effort", "sha256"}
FORMAT = 7  # of these files; one more with each change that older code cannot read

# How many nodes a search for neighbours looks at: as few as find nearly all that are nearest.
RECALL, OF = 0.95, 8  # the nearest, as many as a query has candidates by default
FETCHED = 16  # at once, so that eight are left without those that stand in the query
EFFORTS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
MOST_QUERIES, COMPARISONS = 256, 2**23  # few queries on a large lexicon
FEWEST_QUERIES = 32


@dataclass(frozen=True, slots=True)
class Built:
    """A built lexicon, read.

    Attributes:
        manifest: what `lexicon.json` holds.
        attributes: tables as `Attributes` takes them.
        brands: as `Brands` takes them.
        told: of each name of a term that says something of a thing, what.
        index: the terms' vectors.
    """

    manifest: dict[str, Any]
    terms: Terms
    spellings: Spellings
    attributes: dict[str, Any]
    brands: list[dict[str, Any]]
    told: Mapping[str, told.Told]
    index: Index


def read(folder: Path) -> Built:
    """Read a built lexicon: `folder` itself, or `built` in it.

    Raises:
        LexiconError: a file is missing, or is not the one that the manifest was written for.
    """
    folder = place(folder)
    manifest = _manifest(folder)
    try:
        terms = Terms(folder)
        tables = orjson.loads((folder / ATTRIBUTES).read_bytes())
        known = brands.unpack((folder / BRANDS).read_bytes())
        said = told.unpack((folder / TOLD).read_bytes())
        index = Index.restore(folder / VECTORS, view=True)
        return Built(manifest, terms, Spellings(folder), tables, known, said, index)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise _unusable(folder, f"{type(error).__name__}: {error}") from None


def version(folder: Path) -> str:
    """The version of a built lexicon, once all its files are known to be whole.

    Raises:
        LexiconError: as `read` does.
    """
    return _manifest(place(folder))["version"]


def place(folder: Path) -> Path:
    """Where the files are; a link is followed once, so that all are read behind the same one."""
    folder = folder / "built" if (folder / "built").is_dir() else folder
    return folder.resolve() if folder.is_dir() else folder


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest, once every file that it names is the one it was written for."""
    path = folder / MANIFEST
    if not path.is_file():
        remedy = f"correct the path (lexicon.folder), or build it: {BUILD} --out {folder}"
        raise LexiconError(f"{path}: not found; {remedy}")
    try:
        manifest = orjson.loads(path.read_bytes())
        if missing := FIELDS - manifest.keys():
            raise _unusable(folder, f"{MANIFEST} lacks {', '.join(sorted(missing))}")
        if manifest["format"] != FORMAT:
            raise _unusable(folder, f"its format is {manifest['format']}, not {FORMAT}")
        for name in FILES:
            if sha256(folder / name) != manifest["sha256"][name]:
                raise _unusable(folder, f"{name} is not the file that {MANIFEST} was written for")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(folder, f"{type(error).__name__}: {error}") from None
    return manifest


def _unusable(folder: Path, reason: str) -> LexiconError:
    again = f"{BUILD} --out {folder}"
    return LexiconError(f"{folder}: unusable lexicon ({reason}); build it again: {again}")


def quantized(vectors: np.ndarray) -> np.ndarray:
    """Vectors as int8, each stretched to the full range: the cosine does not see the scale.

    Args:
        vectors: float32, shape [n, dimension], none of them zero.
    """
    return np.rint(vectors * (127 / np.abs(vectors).max(axis=1, keepdims=True))).astype(np.int8)


def effort(index: Index) -> int:
    """The least of EFFORTS with which RECALL of the exact neighbours is found.

    The queries that it is measured on lie between the vectors of two terms, the same each time.
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
