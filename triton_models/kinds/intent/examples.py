"""Labelled queries of your own, with any labels: of a manifest, or of files.

Files are read as `data.named` says.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from triton_models.data import dataset, named
from triton_models.data.faults import Faults
from triton_models.data.manifest import SENTIMENTS, SEPARATOR
from triton_models.data.records import word
from triton_models.data.rows import DataSet, Query
from triton_models.data.split import stratified
from triton_models.kinds.tagging import data as data_of
from triton_models.kinds.tagging.data import Tagged, tags_of
from triton_models.kinds.tagging.words import Span, spans_of, words_of
from triton_models.query_text import normal_form
from triton_models.settings import UsageError

FORM = "queries"
SENTIMENT = "sentiment"
TAGGED = "dev_tags.jsonl"  # the tagged queries of the dev side, beside dev.jsonl
CATEGORY = "category"  # beside a label: what --category-weight learns as well


@dataclass(frozen=True)
class Example:
    """A query and its label; none where only its sentiment or its tags are known.

    Attributes:
        source: the file, or the manifest's source.
        category: of the query, "" where it has none.
        sentiment: one of `SENTIMENTS`, "" where it has none; then its label may be missing.
        weight: how much it counts in the loss.
        tags: of its words in BIO, () where they are not known; then its text is in normal form.
    """

    text: str
    labels: tuple[str, ...]
    source: str = field(default="", compare=False)
    category: str = field(default="", compare=False)
    weight: float = field(default=1.0, compare=False)
    sentiment: str = ""
    tags: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether its intent is known."""
        return bool(self.labels) or not (self.sentiment or self.tags)

    @property
    def spans(self) -> list[Span]:
        return spans_of(words_of(self.text), self.tags)


def read(place: named.Given) -> list[Example]:
    """The examples of a file.

    Raises UsageError that names the first line without a text or a label, or lists what is wrong
    with them by line.
    """
    path, _ = named.split(place)
    names = named.names_of(FORM, named.columns_of(place))
    found, faults = [], Faults()
    for number, raw in named.as_written(place, FORM):
        row = named.ours(raw, names)
        for ours in ("query", *["intent"] * (not row.get(SENTIMENT))):
            if ours not in row:
                told = f"no {' or '.join(names[ours])}; fix the line, or give --columns"
                raise UsageError(f"{path}:{number}: {told}")
        try:
            found.append(_example(row, named.theirs(raw, names), str(place)))
        except ValueError as fault:
            faults.add(str(path), number, str(fault))
    faults.tell(path)
    if not found:
        raise UsageError(f"{path}: no labelled query in it; give one a line, with its label")
    return found


def once(found: Iterable[Example]) -> list[Example]:
    """Each example once."""
    return list(dict.fromkeys(found))


def _example(row: dict, theirs: Mapping[str, str], source: str) -> Example:
    """A row as an example; `theirs` are the file's names of ours. ValueError tells the fault."""
    text, label = row.get("query"), row.get("intent")
    text = " ".join(word(text).split())
    if not text:
        raise ValueError(_missing(row, "query", theirs))
    sentiment = row.get(SENTIMENT) or ""
    if sentiment not in ("", *SENTIMENTS):
        told = f"sentiment: found {sentiment!r:.60}, expected {', '.join(SENTIMENTS)} or none"
        raise ValueError(f"{told}; correct the line")
    if sentiment and label in (None, ""):
        label = []
    labels = label if isinstance(label, list) else [label]
    labels = list(map(word, labels))
    if not all(labels):
        raise ValueError(_missing(row, "intent", theirs))
    if len(labels) != 1 and not (sentiment and not labels):
        raise ValueError(f"{len(labels)} labels; a query has one: correct the line")
    same = theirs.get(CATEGORY) == theirs.get("intent")  # the label is named so
    category = None if same else row.get(CATEGORY)
    return Example(
        text,
        tuple(dict.fromkeys(labels)),
        source,
        category.strip() if isinstance(category, str) else "",
        sentiment=sentiment,
    )


def _missing(row: dict, ours: str, theirs: Mapping[str, str]) -> str:
    """What is said of a row whose text or label is empty."""
    return f"no {theirs[ours]} in it, found {row[ours]!r:.60}; fix the line, or take it out"


def of_manifest(data: DataSet, tags: bool = False) -> tuple[list[Example], list[Example]]:
    """(to learn from, dev) of what a manifest names; with `tags` its tagged queries too.

    Raises UsageError for a query with several labels.
    """
    weights = data.manifest.weights

    def example(row: Query) -> Example:
        labels = tuple(row.intent.split(SEPARATOR)) if row.intent else ()
        if len(labels) > 1:
            raise UsageError(
                f"{data.place(row)}: {row.query[:60]!r} has {len(labels)} labels; a query has one:"
                ' map one of them to "" in the manifest, or correct the line'
            )
        weight = weights[row.source]
        return Example(row.query, labels, row.source, row.category, weight, row.sentiment)

    learned, dev = (once(map(example, side)) for side in dataset.load_labelled(data))
    if not tags:
        return learned, dev
    sides = zip((learned, dev), dataset.load_tagged(data), strict=True)
    learned, dev = (with_tags(found, data_of.of_manifest(rows, weights)) for found, rows in sides)
    return learned, dev


def with_tags(found: Iterable[Example], rows: Iterable[Tagged]) -> list[Example]:
    """The examples, those whose normal form was tagged with their tags; behind them, without a
    label, the tagged queries that are none of them.

    Of a query that was tagged in several ways, its first example has the first, and so on.
    """
    left, last, examples = defaultdict(list), {}, []
    for row in rows:
        left[row.text].append(row)
    for example in found:
        form = normal_form(example.text)
        if row := left[form].pop(0) if left.get(form) else last.get(form):
            last[form] = row
            example = replace(example, text=row.text, tags=row.labels)
        examples.append(example)
    return examples + [
        Example(row.text, (), row.about["source"], weight=row.weight, tags=row.labels)
        for rest in left.values()
        for row in rest
    ]


def tagged(found: Iterable[Example]) -> list[Tagged]:
    """Those that have tags, as the kind tagging has them."""
    return [Tagged(e.text, tuple(e.spans), e.tags, weight=e.weight) for e in found if e.tags]


def split(found: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """(to learn from, dev), by the hash of the query: 15 % are dev, always the same, but for labels
    that would have nothing to learn from."""
    return stratified(found, lambda e: e.text, lambda e: e.labels)


def without(found: Sequence[Example], held_out: Sequence[Example]) -> list[Example]:
    """The examples whose query is not in the other list; case and signs do not tell apart."""
    seen = {plain(e.text) for e in held_out}
    return [e for e in found if plain(e.text) not in seen]


def plain(text: str) -> str:
    """Lower case, letters and digits only; the text itself where nothing would be left."""
    return "".join(c for c in text.casefold() if c.isalnum()) or text


def label_names(found: Iterable[Example]) -> tuple[str, ...]:
    """Every label, in alphabetical order."""
    return tuple(sorted({label for example in found for label in example.labels}))


def tag_names(found: Iterable[Example]) -> tuple[str, ...]:
    """Every tag, in alphabetical order."""
    return tags_of(tagged(found))


def counts(found: Sequence[Example]) -> dict[str, dict[str, int]]:
    """How many examples each label and sentiment has, and spans each tag; those that are there."""
    labels = Counter(label for e in found for label in e.labels)
    moods = Counter(e.sentiment for e in found if e.sentiment)
    counted = {
        "label_counts": dict(sorted(labels.items())),
        "sentiment_counts": dict(sorted(moods.items())),
        "tag_counts": data_of.tag_counts(tagged(found)),
    }
    return {name: counts for name, counts in counted.items() if counts}


def digest(found: Iterable[Example]) -> str:
    """The SHA-256 of examples in their order, with all that a run learns from."""
    rows = (
        json.dumps(
            [e.text, *e.labels, e.category, e.weight, e.sentiment, *e.tags], ensure_ascii=False
        )
        for e in found
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
