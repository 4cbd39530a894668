"""CPU of what is decided about a query, by part, without calls to models and the vector search.

    python -m load_tests.decisions FILE

FILE holds queries, one a line. Each is asked once; the first half only fills what is remembered of
words and terms, and the means are those of the second half. The neighbours are by the starter
encoder, the scores are random. Retrieval reads a query as well: that is counted in `retrieve`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import thread_time

import click
import numpy as np

from triton_models.query_text import normal_form
from worker.build import make_expander
from worker.config.load import load_settings
from worker.config.settings import STARTER_MODELS
from worker.folders import load_contracts
from worker.lexicon.build import load_encoder
from worker.lexicon.lexicon import Lexicon
from worker.understanding.decide import Expander
from worker.understanding.language import language

BATCH = 32  # queries that go through each part together, as they do in the worker
INTENT = "browse"  # the one whose queries get most expansions
PARTS = ("normal form", "language", "correct", "retrieve", "select")


def corrected(lexicon: Lexicon, forms: Sequence[str]) -> list[str]:
    found = map(lexicon.correct, forms)
    return [fixed.query if fixed else form for form, fixed in zip(forms, found, strict=True)]


def decide(expander: Expander, queries: Sequence[str], scores: Sequence[float]) -> Iterator[float]:
    """The CPU clock before the first part and after each."""
    lexicon = expander.lexicon
    yield thread_time()
    forms = [normal_form(query) for query in queries]
    yield thread_time()
    for form in forms:
        language(form, None, "en", lexicon.knows)
    yield thread_time()
    forms = corrected(lexicon, forms)
    yield thread_time()
    retrieved = expander.retrieve(forms, np.zeros((len(forms), lexicon.dimension), np.float32))
    yield thread_time()
    for found in retrieved:
        expander.select(found, scores[: len(expander.texts(found))], INTENT)
    yield thread_time()


def run(queries: Sequence[str]) -> dict[str, float]:
    """Mean CPU of each part for the second half of the queries, microseconds."""
    settings = load_settings(None, {}, ())
    lexicon = Lexicon.load(settings.lexicon.folder)
    expander = make_expander(settings, load_contracts(settings), lexicon)
    encoder = load_encoder(STARTER_MODELS / "encoder")
    vectors = encoder.run([normal_form(query) for query in queries])
    ids, cosines = lexicon.nearest(vectors, 2 * expander.max_candidates)
    rng = random.Random(7)
    scores = [rng.random() for _ in range(1000)]
    spent = np.zeros(len(PARTS))
    half = len(queries) // 2
    for start in [*range(0, half, BATCH), *range(half, len(queries), BATCH)]:
        rows = slice(start, min(start + BATCH, len(queries) if start >= half else half))
        lexicon.nearest = lambda *_, rows=rows: (ids[rows], cosines[rows])
        clocks = list(decide(expander, queries[rows], scores))
        if start >= half:
            spent += np.diff(clocks)
    return dict(zip(PARTS, 1e6 * spent / (len(queries) - half), strict=True))


@click.command(help=__doc__)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    queries = list(dict.fromkeys(filter(None, file.read_text(encoding="utf-8").splitlines())))
    found = run(queries)
    for part, spent in found.items():
        click.echo(f"{spent:8.1f} {part}")
    click.echo(f"{sum(found.values()):8.1f} µs of CPU a query in all")


if __name__ == "__main__":
    main()
