"""Writes the files of a built lexicon, and puts them in the place of those before as a whole."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from triton_models.contract import ModelContract
from worker.errors import LexiconError
from worker.lexicon import brands, protected_values, spellings
from worker.lexicon.attributes import Attributes
from worker.lexicon.built import (
    ATTRIBUTES,
    BRANDS,
    FILES,
    FORMAT,
    MANIFEST,
    PROTECTED_VALUES,
)
from worker.lexicon.reading import Reader
from worker.lexicon.terms import KEYS, TERMS, Term, Terms, pack
from worker.lexicon.vectors import AXES, VECTORS, Vectors
from worker.lexicon.words import keys, words_of

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux's renameat2


@dataclass(frozen=True)
class Content:
    """What a lexicon is written from.

    Attributes:
        attributes: tables as `Attributes` takes them.
        brands: as `Brands` takes them.
        vectors: the terms'.
        others: further files that the worker does not read, by name.
        rules: two names of one thing by a rule of the shop, of which only one has digits.
    """

    terms: Sequence[Term]
    attributes: dict[str, Any]
    brands: list[dict[str, Any]]
    vectors: Vectors
    others: Mapping[str, bytes] = field(default_factory=dict)
    rules: Collection[tuple[str, str]] = ()


def write(
    content: Content,
    encoder: ModelContract,
    out: Path,
    finish: Callable[[Path], object] = lambda folder: None,
) -> dict[str, Any]:
    """Write a lexicon; readers of `out` see the old one or the new one, whole.

    Args:
        encoder: of the model that the vectors are by.
        out: is made; a lexicon that is there is replaced.
        finish: takes the new folder, whole, before it is `out`.

    Returns:
        The manifest, as it was written.

    Raises:
        LexiconError: `out` cannot be written, or holds something else than a lexicon.
    """
    out = out.resolve()  # a link stays, and what it points to is replaced
    demand_room(out)
    new = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        new.mkdir()
        manifest = _write(content, encoder, new)
        finish(new)
        _put(new, out)
    except OSError as error:
        raise _unwritable(error, out) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return manifest


def demand_room(out: Path) -> None:
    """Check that `out` may be written, and make the folder that it is to stand in.

    Raises:
        LexiconError: it is a file, a folder of something else than a lexicon, or cannot be made.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error, out) from None
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise _unwritable(PermissionError(errno.EACCES, "Permission denied", out.parent), out)
    if out.is_dir():
        if any(out.iterdir()) and not (out / MANIFEST).is_file():
            reason = f"holds files, but no {MANIFEST}, so it is no lexicon that may be replaced"
            raise LexiconError(f"{out}: {reason}; name with --out a new folder")
    elif out.exists():
        raise LexiconError(f"{out}: cannot be written (File exists); name with --out a folder")


def _unwritable(error: OSError, out: Path) -> LexiconError:
    message = f"{error.filename or out}: cannot be written ({error.strerror or error})"
    return LexiconError(f"{message}; name with --out a folder that can")


def _write(content: Content, encoder: ModelContract, folder: Path) -> dict[str, Any]:
    attributes = Attributes(content.attributes)
    keys, terms = pack(content.terms, attributes.idioms)
    files = {
        KEYS: keys,
        TERMS: terms,
        spellings.SPELLINGS: _spellings(content, attributes),
        ATTRIBUTES: orjson.dumps(content.attributes),
        BRANDS: brands.pack(content.brands),
        **content.vectors.files(),
        **content.others,
    }
    for name, block in files.items():
        (folder / name).write_bytes(block)
    files[PROTECTED_VALUES] = _protected_values(content, attributes, folder)
    (folder / PROTECTED_VALUES).write_bytes(files[PROTECTED_VALUES])
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in FILES}
    hashed = "".join(hashes[name] for name in FILES if name not in (VECTORS, AXES))
    hashed += encoder.onnx_sha256
    hashed += encoder.prompts.document
    manifest = {
        "format": FORMAT,
        "version": hashlib.sha256(hashed.encode()).hexdigest()[:8],
        "terms": len(content.terms),
        "dimension": encoder.dimension,
        "encoder_onnx_sha256": encoder.onnx_sha256,
        "effort": content.vectors.effort,
        "sha256": hashes,
    }
    if encoder.prompts.document:
        manifest["document_prompt"] = encoder.prompts.document
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def _protected_values(content: Content, attributes: Attributes, folder: Path) -> bytes:
    """Read the names of all terms with the files that are written."""
    terms, known_brands = Terms(folder), brands.Brands(content.brands)
    fixed, spelled = content.attributes["fixed"], spellings.Spellings(folder)
    reader = Reader(terms, attributes, known_brands, fixed, spelled)
    names = chain.from_iterable(map(terms.names, range(len(terms))))
    by_rule: dict[str, set[str]] = {}
    for pair in content.rules:
        one, other = (terms.text_of(" ".join(keys(text))) for text in pair)
        by_rule.setdefault(one, set()).add(other)
        by_rule.setdefault(other, set()).add(one)
    return protected_values.pack(sorted({*names}), reader, by_rule)


def _spellings(content: Content, attributes: Attributes) -> bytes:
    names = [keys for term in content.terms for _, keys in term.names]
    forms = {*attributes.idioms}.union(*names)
    return spellings.pack(
        words_of(attributes.words) | words_of(forms),
        {form.rpartition(" ")[2] for form in forms},
        [*attributes.words, *(keys[0] for keys in names)],
        [key for brand in content.brands for key, _ in brand["keys"]],
        content.attributes.get("lines", {}).get("alone", ()),
    )


def _put(new: Path, out: Path) -> None:
    """Give a folder the name of another, which then has the first one's."""
    if not out.exists():
        os.rename(new, out)
    elif not _exchanged(new, out):  # not Linux, or a file system without it
        old = new.with_suffix(".old")
        os.rename(out, old)
        os.rename(new, out)
        shutil.rmtree(old)


def _exchanged(one: Path, other: Path) -> bool:
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    paths = os.fsencode(one), os.fsencode(other)
    return rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0
