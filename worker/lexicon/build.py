"""Builds a lexicon: source folder and encoder in, searchable files out.

python -m worker.lexicon.build [--source DIR] [--models DIR] [--out DIR]
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import click
import numpy as np
import orjson
from usearch.index import Index

from triton_models import contract
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.errors import LexiconError, Stop
from worker.lexicon import source
from worker.lexicon.built import ATTRIBUTES, BRANDS, FORMAT, MANIFEST, TERMS, VECTORS, quantized
from worker.lexicon.words import key

CONNECTIVITY, EXPANSION_ADD = 12, 256  # of usearch's graph: links of a node, effort to find them

MODELS_REMEDY = "name with --models the folder that holds the model folder `encoder`"


def build(folder: Path, models: Path, out: Path) -> dict[str, object]:
    """Build the lexicon of a source folder.

    Args:
        models: holds the model folder `encoder`.
        out: is made, or its files are replaced.

    Returns:
        The manifest, as it was written.

    Raises:
        LexiconError: the sources have faults (all are listed), the encoder cannot be used, or `out`
            cannot be written.
    """
    read = source.read(folder)
    encoder = load_encoder(models / "encoder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _write(read, encoder, out)
    except OSError as error:
        message = f"{error.filename or out}: cannot be written ({error.strerror or error})"
        raise LexiconError(f"{message}; name with --out a folder that can") from None


def _write(read: source.Source, encoder: Predictor, out: Path) -> dict[str, object]:
    vectors = _vectors(read, encoder)
    (out / MANIFEST).unlink(missing_ok=True)  # never a manifest with files that it does not fit
    (out / TERMS).write_bytes(lines(read))
    (out / ATTRIBUTES).write_bytes(orjson.dumps(read.attributes))
    (out / BRANDS).write_bytes(orjson.dumps(read.brands))
    (out / VECTORS).write_bytes(_index(vectors).save())
    names = (TERMS, ATTRIBUTES, BRANDS, VECTORS)
    hashes = {name: contract.sha256(out / name) for name in names}
    content = hashes[TERMS] + hashes[ATTRIBUTES] + hashes[BRANDS] + encoder.contract.onnx_sha256
    manifest = {
        "format": FORMAT,
        "version": hashlib.sha256(content.encode()).hexdigest()[:8],
        "terms": len(read.terms),
        "dimension": encoder.contract.dimension,
        "encoder_onnx_sha256": encoder.contract.onnx_sha256,
        "sha256": hashes,
    }
    (out / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def load_encoder(folder: Path) -> Predictor:
    """The encoder of a model folder, run in this process.

    Raises:
        LexiconError: the folder does not hold a usable encoder.
    """
    try:
        found = contract.load(folder)
        if found.kind == "encoder":
            return Predictor(found, threads=0)  # as many as there are cores
    except (contract.ModelFolderError, UsageError) as error:
        raise LexiconError(f"{error}; or {MODELS_REMEDY}") from None
    raise LexiconError(f"{folder}: a model of kind {found.kind}, not encoder; {MODELS_REMEDY}")


def _vectors(read: source.Source, encoder: Predictor) -> np.ndarray:
    """A vector a term, float32: the mean of its names'.

    It lies nearer than the name's own to what else the term may be called.
    """
    vectors = encoder.run([text for term in read.terms for text in term.texts])
    starts = np.cumsum([0, *(len(term.texts) for term in read.terms)])[:-1]
    return np.add.reduceat(vectors, starts)


def lines(read: source.Source) -> bytes:
    """What `terms.jsonl` holds: a term a line, its names each with the keys derived from it."""
    lines = []
    for term, parent in zip(read.terms, read.parents, strict=True):
        texts = {key(text): text for text in reversed(term.texts)}  # the first of each key
        names = [[text, *read.spelling.variants(text)] for text in reversed(texts.values())]
        line = {"names": names, "category": term.category, "parent": parent}
        lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(lines)


def _index(vectors: np.ndarray) -> Index:
    index = Index(
        ndim=vectors.shape[1],
        metric="cos",
        dtype="i8",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
    )
    # One thread: the same file every time.
    index.add(np.arange(len(vectors)), quantized(vectors), threads=1)
    return index


FOLDER = click.Path(path_type=Path)


@click.command()
@click.option(
    *("--source", "folder"),
    type=FOLDER,
    default=STARTER_LEXICON,
    help="Folder of *.txt, one file a department, and optionally brands.txt, attributes.toml and"
    " words.toml."
    "  [default: the starter lexicon]",
)
@click.option(
    "--models",
    type=FOLDER,
    default=STARTER_MODELS,
    help="Folder that holds the model folder `encoder`.  [default: the starter models]",
)
@click.option("--out", type=FOLDER, help="Folder to write.  [default: built, in the source folder]")
def main(folder: Path, models: Path, out: Path | None) -> None:
    """Build the lexicon that the worker searches.

    Example: python -m worker.lexicon.build --source my_lexicon
    """
    started = time.perf_counter()
    out = out or folder / "built"
    try:
        manifest = build(folder, models, out)
    except Stop as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    size = sum(path.stat().st_size for path in out.iterdir())
    click.echo(
        f"{out}: {manifest['terms']} terms, version {manifest['version']},"
        f" {size / 1e6:.2f} MB in {time.perf_counter() - started:.1f} s"
    )


if __name__ == "__main__":
    main()
