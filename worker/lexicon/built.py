"""The files of a built lexicon: what they are called, how they are read, how to search them.

`lexicon.json` holds the version, the encoder and the hashes of the rest; `terms.bin` and
`keys.marisa` the terms (see `worker.lexicon.terms`); `spellings.marisa` which words are right, and
what others may be misspelt for (see `worker.lexicon.spellings`); `attributes.json` the tables of
attribute words; `brands.json` the brands; `told.json` what the terms' names say of a thing (see
`worker.lexicon.protected_values`); `vectors.usearch` one vector a term, its key the term's
position, along the axes of `axes.npy` (see `worker.lexicon.vectors`).
Terms, keys, spellings and vectors are mapped: a file is never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from triton_models.contract import sha256
from worker.errors import LexiconError
from worker.lexicon import brands, protected_values
from worker.lexicon.spellings import SPELLINGS, Spellings
from worker.lexicon.terms import KEYS, TERMS, Terms
from worker.lexicon.vectors import AXES, VECTORS, Vectors

MANIFEST = "lexicon.json"
ATTRIBUTES = "attributes.json"
BRANDS = "brands.json"
PROTECTED_VALUES = "told.json"
BUILD = "query-worker lexicon build --source FOLDER"
FILES = (KEYS, TERMS, SPELLINGS, ATTRIBUTES, BRANDS, PROTECTED_VALUES, VECTORS, AXES)
FIELDS = {"format", "version", "dimension", "encoder_onnx_sha256", "effort", "sha256"}
FORMAT = 12  # of these files; one more with each change that older code cannot read

# What reading a file raises that is not as it was written.
_BROKEN = OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, RuntimeError


@dataclass(frozen=True, slots=True)
class Built:
    """A built lexicon, read.

    Attributes:
        manifest: what `lexicon.json` holds.
        attributes: tables as `Attributes` takes them.
        brands: as `Brands` takes them.
        protected_values: of each name of a term that says something of a thing.
        vectors: the terms'.
    """

    manifest: dict[str, Any]
    terms: Terms
    spellings: Spellings
    attributes: dict[str, Any]
    brands: list[dict[str, Any]]
    protected_values: Mapping[str, protected_values.ProtectedValues]
    vectors: Vectors


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
        values = protected_values.unpack((folder / PROTECTED_VALUES).read_bytes())
        vectors = Vectors.read(folder, manifest["effort"])
        return Built(manifest, terms, Spellings(folder), tables, known, values, vectors)
    except _BROKEN as error:
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
