"""Builds a lexicon: source folder and encoder in, searchable files out.

python -m worker.lexicon.build [--source DIR] [--models DIR] [--out DIR]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import numpy as np

from triton_models import contract
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from worker.config.models import ENCODER
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.errors import LexiconError, Stop
from worker.lexicon import source
from worker.lexicon.terms import Term
from worker.lexicon.vectors import Vectors
from worker.lexicon.words import key
from worker.lexicon.writing import Content, write


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
    encoder = load_encoder(models / ENCODER)
    found = Vectors.of(vectors(read, encoder))
    content = Content(terms(read), read.attributes, read.brands, found)
    return write(content, encoder.contract, out)


def load_encoder(folder: Path, option: str = "--models") -> Predictor:
    """The encoder of a model folder, run in this process on all cores; see `load_model`.

    Raises:
        LexiconError: the folder does not hold a usable encoder.
    """
    return load_model(folder, ENCODER, 0, option)


def load_model(folder: Path, kind: str, threads: int = 1, option: str = "--models") -> Predictor:
    """The model of a folder, run in this process.

    Args:
        option: of the program that names the folder of the model folders, for the message.

    Raises:
        LexiconError: the folder does not hold a usable model of that kind.
    """
    remedy = f"name with {option} the folder that holds the model folder `{kind}`"
    try:
        found = contract.load(folder)
        if found.kind == kind:
            return Predictor(found, threads=threads)
    except (contract.ModelFolderError, UsageError) as error:
        raise LexiconError(f"{error}; or {remedy}") from None
    raise LexiconError(f"{folder}: a model of kind {found.kind}, not {kind}; {remedy}")


def vectors(read: source.Source, encoder: Predictor) -> np.ndarray:
    """A vector a term, float32; see `summed`."""
    texts = [text for term in read.terms for text in term.texts]
    found = encoder.run(encoder.contract.prompts.documents(texts))
    return summed(found, [len(term.texts) for term in read.terms])


def summed(found: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """A vector a term: the sum of its names', whose direction is that of their mean.

    It lies nearer than the name's own to what else the term may be called.

    Args:
        found: the names' vectors, those of each term together.
        counts: of each term, how many names it has.
    """
    return np.add.reduceat(found, np.cumsum([0, *counts])[:-1])


def terms(read: source.Source) -> list[Term]:
    """The terms as they are packed: their names each with the keys derived from it."""
    return [
        Term(
            [(text, read.spelling.keys(text)) for text in distinct(term.texts)],
            term.category,
            term.category,
            parent,
        )
        for term, parent in zip(read.terms, read.parents, strict=True)
    ]


def distinct(texts: Iterable[str]) -> list[str]:
    """The first text of each key, in their order."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(key(text), text)
    return list(found.values())


FOLDER = click.Path(path_type=Path)


@click.command()
@click.option(
    *("--source", "folder"),
    type=FOLDER,
    default=STARTER_LEXICON,
    help="Folder of *.txt, one file a department, and optionally brands.txt, models.txt,"
    " attributes.toml, misspellings.txt and words.toml."
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
