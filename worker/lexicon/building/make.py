"""Makes a lexicon: sources in, terms and links found, searchable files and a report out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from triton_models.serving.predictor import Predictor
from worker.config.models import ENCODER, MATCHING
from worker.config.settings import STARTER_LEXICON
from worker.errors import LexiconError
from worker.lexicon import build, source
from worker.lexicon.building import (
    catalogue,
    facts,
    links,
    neighbours,
    phrases,
    report,
    shelving,
    sources,
)
from worker.lexicon.building.cache import Answers, Cache
from worker.lexicon.building.catalogue import Progress, Reader
from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.drafts import SOURCE, Draft, Drafts, Link
from worker.lexicon.building.rows import Faults
from worker.lexicon.building.together import Together
from worker.lexicon.line_source import MODEL_LINES, read_lines
from worker.lexicon.misspelling_source import MISSPELLINGS, read_misspellings
from worker.lexicon.source import Source
from worker.lexicon.tables import read_spelling, read_tables
from worker.lexicon.terms import Term
from worker.lexicon.vectors import Vectors
from worker.lexicon.words import DIGIT, Spelling
from worker.lexicon.writing import Content, demand_room, write

LEAST_WEIGHT = 0.8  # of a name that the worker uses; weaker ones are proposed in the report
SOURCE_WEIGHT = 0.95
ROWS, VECTORS, SCORES = "catalogue.cache", "vectors.cache", "scores.cache"
Check = Callable[[Path, Mapping[tuple[str, str], str], Corpus], list[str]]
MODELS = "--set inference.models=DIR"  # how the command names the models


@dataclass(frozen=True)
class Inputs:
    """The files that a lexicon is made from.

    Attributes:
        columns: of the catalogues, as `sources.fields` gives them.
        folders: of source files in the starter's form; the first has the attributes and the
            spelling. Categories of the starter's own count only where the shop has none.
    """

    catalogues: Sequence[Path] = ()
    taxonomies: Sequence[Path] = ()
    synonyms: Sequence[Path] = ()
    queries: Sequence[Path] = ()
    terms: Sequence[Path] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[Path] = ()


@dataclass
class Made:
    """A lexicon as far as it is made.

    Attributes:
        general: names of several categories, each with their paths.
        clicks: rows of query logs, and how many are of a product in the catalogues.
        notes: what whoever owns the files should know.
    """

    corpus: Corpus
    drafts: Drafts
    together: Together
    tables: dict[str, Any]
    brands: list[dict[str, Any]]
    general: dict[str, list[str]]
    clicks: tuple[int, int]
    notes: list[str]


def make(
    inputs: Inputs,
    models: Path,
    out: Path,
    progress: Progress,
    least: float = LEAST_WEIGHT,
    names: Mapping[str, str] = MappingProxyType({}),
    check: Check = lambda folder, rules, corpus: [],
) -> dict[str, Any]:
    """Make a lexicon.

    Args:
        models: holds the model folders `encoder` and `matching`.
        out: is made; a lexicon that is there is replaced, and what its cache holds is used.
        least: weight from which a name is one that the worker uses.
        names: of model folders that are not called by their kind.
        check: takes the folder of the new lexicon, names that rules give with the places of these,
            and the titles; gives notes on what of them the worker will not use.

    Returns:
        The report, as it was written.

    Raises:
        LexiconError: the files have faults (all are listed), hold no term, the models cannot be
            used, or `out` cannot be written.
    """
    out = out.resolve()
    demand_room(out)
    encoder, matching = (
        build.load_model(models / names.get(kind, kind), kind, option=MODELS)
        for kind in (ENCODER, MATCHING)
    )
    rows = _cache(catalogue.kind(inputs.columns), out, ROWS)
    made = _made(inputs, rows, progress)
    width = encoder.contract.dimension
    encoded = Answers(width, _cache(f"{encoder.contract.onnx_sha256} {width}", out, VECTORS))
    scores = Answers(1, _cache(matching.contract.onnx_sha256, out, SCORES))
    vectors = Vectors.of(_vectors(made.drafts, least, encoder, encoded, progress))
    shelving.give_categories(made.corpus, made.drafts, made.together, vectors, least)
    _confirm(made, vectors, matching, scores, progress)
    for draft in made.drafts:
        draft.leave_equals()
    terms = _terms(made.drafts, least)
    for draft in made.drafts:
        _leave_other_numbers(draft, least, made.drafts.spelling)
    told = report.report(made, least, {"encoded": encoded.asked, "matched": scores.asked})
    caches = {ROWS: rows, VECTORS: encoded.cache, SCORES: scores.cache}
    others = {name: cache.used() for name, cache in caches.items()}
    given = links.by_rule(made.drafts, least)
    content = Content(terms, made.tables, made.brands, vectors, others, _one_with_digits(given))

    def finish(folder: Path) -> None:
        told["notes"] += check(folder, given, made.corpus)
        for name, block in report.files(made.drafts, told, least).items():
            (folder / name).write_bytes(block)

    manifest = write(content, encoder.contract, out, finish)
    for name in caches:
        _partial(out, name).unlink(missing_ok=True)
    return told | {"version": manifest["version"]}


def _one_with_digits(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the pairs of names of which only one has digits."""
    return [pair for pair in pairs if len([*filter(DIGIT.search, pair)]) == 1]


def _cache(kind: str, out: Path, name: str) -> Cache:
    return Cache(kind, out / name, _partial(out, name))


def _partial(out: Path, name: str) -> Path:
    return out.with_name(f".{out.name}.{name}.partial")


def _made(inputs: Inputs, rows: Cache, progress: Progress) -> Made:
    faults = Faults()
    read = [source.read(folder) for folder in inputs.folders]
    spelling = read[0].spelling if read else read_spelling(STARTER_LEXICON / "words.toml", faults)
    of_logs = Faults()
    clicks = [click for file in inputs.queries for click in sources.clicks(file, of_logs)]
    reader = Reader(inputs.columns, rows, faults, {click.item for click in clicks})
    corpus = reader.read(inputs.catalogues, progress)
    taxonomy = [path for file in inputs.taxonomies for path in sources.paths(file, faults)]
    lists = [(t, file.name) for file in inputs.terms for t in sources.terms(file, faults)]
    rules = [rule for file in inputs.synonyms for rule in sources.rules(file, faults)]
    faults.extend(of_logs)
    if faults:
        raise LexiconError(f"{len(faults)} fault(s) in the files", faults)
    tables = _tables(read, spelling, faults)
    drafts = Drafts(spelling)
    for folder, one in zip(inputs.folders, read, strict=True):
        _add_source(one, drafts, folder.resolve() == STARTER_LEXICON.resolve())
    paths = [*taxonomy, *corpus.categories]
    general = links.add_categories(paths, drafts)
    for text, file in lists:
        drafts.add(text, "list", file)
    described, own = facts.described(tables), facts.own_values(corpus, tables, drafts)
    with progress("phrases", 1) as done:
        found = phrases.find(corpus, described, own)
        for phrase in sorted(found, key=lambda p: (-p.titles, p.text)):
            told = {n: v for n, v in phrase._asdict().items() if n != "text"}
            drafts.add(phrase.text, "titles", told)
        done(1)
    links.add_rules(rules, drafts)
    links.add_clicks(clicks, drafts, {*described, *own})
    links.add_suffixes(drafts)
    with progress("links", 1) as done:
        together = Together(corpus, drafts)
        links.link_titles(together, drafts)
        done(1)
    if not len(drafts):
        remedy = "give more products, a taxonomy, a list of terms, or --with-starter"
        raise LexiconError(f"no term found in {len(corpus)} products; {remedy}")
    for draft, titles in zip(drafts, together.titles, strict=True):
        draft.titles = titles
    known = [brand for one in read for brand in one.brands]
    sold = facts.sold(corpus, drafts, together)
    tables = facts.add_values(corpus, tables, drafts)
    brands = facts.brands(corpus, drafts, known, sold, rules)
    matched = sum(click.item in reader.known for click in clicks)
    notes = [*reader.unread.values(), *sources.not_parted(paths)]
    if clicks and inputs.catalogues and not matched:
        remedy = "the column id must hold the ids of the catalogue"
        notes.append(f"clicks: {len(clicks):,} rows, 0 of a product in the catalogues; {remedy}")
    return Made(corpus, drafts, together, tables, brands, general, (len(clicks), matched), notes)


def _tables(read: Sequence[Source], spelling: Spelling, faults: Faults) -> dict[str, Any]:
    if read:
        told: dict[str, str] = {}
        for one in reversed(read):
            told |= one.attributes["misspellings"]
        return read[0].attributes | {"misspellings": told}
    tables = read_tables(STARTER_LEXICON / "attributes.toml", spelling, None, faults)
    told = read_misspellings(STARTER_LEXICON / MISSPELLINGS, faults)
    lines = read_lines(STARTER_LEXICON / MODEL_LINES, faults)._asdict()
    return tables | {"misspellings": told, "lines": lines}


def _add_source(read: Source, drafts: Drafts, starter: bool) -> None:
    """Add the terms of source files; where two name one term, the first file's category stays.

    Args:
        starter: whether their categories are the starter's.
    """
    made = []
    for term in read.terms:
        draft = drafts.add(term.name, SOURCE, term.place, "" if starter else term.category)
        if starter:
            draft.sense = draft.sense or term.category
        for text in term.synonyms:
            draft.add_synonym(text, Link(SOURCE, SOURCE_WEIGHT, {"place": term.place}))
        made.append(draft)
    for term, draft in zip(read.terms, made, strict=True):
        for text in term.synonyms:
            drafts.point(text, draft)
    for draft, parent, term in zip(made, read.parents, read.terms, strict=True):
        if parent is not None:
            link = Link(SOURCE, SOURCE_WEIGHT, {"place": term.place})
            draft.put_below(made[parent], link)


def _names(draft: Draft, least: float, spelling: Spelling) -> dict[str, list[str]]:
    """What a term is called, the surest first, each with those that differ from it in number."""
    rest = sorted(draft.synonyms.items(), key=lambda item: (-item[1].weight, item[0]))
    names: dict[str, list[str]] = {}
    for text in build.distinct([draft.name, *(t for t, link in rest if link.weight >= least)]):
        same = next((name for name in names if spelling.differ_in_number(name, text)), None)
        if same is None:
            names[text] = []
        else:
            names[same].append(text)
    return names


def _leave_other_numbers(draft: Draft, least: float, spelling: Spelling) -> None:
    """Without the sure names that differ from others in number alone."""
    kept = {*_names(draft, least, spelling)}
    links = draft.synonyms.items()
    draft.synonyms = {text: link for text, link in links if link.weight < least or text in kept}


def _vectors(
    drafts: Drafts, least: float, encoder: Predictor, cache: Answers, progress: Progress
) -> np.ndarray:
    """A vector a term, float32; see `build.summed`."""
    names = [_names(draft, least, drafts.spelling) for draft in drafts]
    texts = [text for some in names for text in some]
    texts = encoder.contract.prompts.documents(texts)
    with progress("vectors", len(texts)) as done:
        found = cache.rows(texts, lambda text: encoder.run([text])[0], done)
    return build.summed(found, [*map(len, names)])


def _confirm(
    made: Made, vectors: Vectors, matching: Predictor, cache: Answers, progress: Progress
) -> None:
    drafts = made.drafts.all
    near = _nearest(vectors)
    asked = neighbours.pairs(drafts, near, facts.described(made.tables))
    with progress(MATCHING, 2 * len(asked)) as done:
        neighbours.confirm(
            drafts, asked, lambda one, other: matching.run([one], [other])[0, :1], cache, done
        )


def _nearest(vectors: Vectors) -> list[list[tuple[int, float]]]:
    """Of each term, those whose vectors are nearest, itself among them, with their cosines."""
    if not len(vectors):
        return []
    rows = (array.tolist() for array in vectors.neighbours(neighbours.NEAREST))
    return [list(zip(keys, near, strict=True)) for keys, near in zip(*rows, strict=True)]


def _terms(drafts: Drafts, least: float) -> list[Term]:
    number = {draft: n for n, draft in enumerate(drafts)}
    return [
        Term(
            [
                (
                    text,
                    [*dict.fromkeys(k for t in (text, *others) for k in drafts.spelling.keys(t))],
                )
                for text, others in _names(draft, least, drafts.spelling).items()
            ],
            draft.category,
            draft.meant(),
            None if draft.parent is None else number[draft.parent[0]],
        )
        for draft in drafts
    ]
