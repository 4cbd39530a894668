"""Reads the sources of a manifest: every row mapped to our labels, and on its side of the split.

`read` tells every fault by file and line. The side of a row of a by_key source hangs on the key's
normal form alone, by the rule of `split.is_dev`, so equal keys of any source go the same way; those
that a rare label needs go to training (`rare`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from triton_models import product_text
from triton_models.data import describe, named, records
from triton_models.data.columns import COLUMNS
from triton_models.data.faults import Faults
from triton_models.data.manifest import REST, SENTIMENTS, SEPARATOR, Manifest, Source
from triton_models.data.rare import stratified
from triton_models.data.records import word
from triton_models.data.rows import Click, DataSet, Judged, Product, Query, TaggedQuery
from triton_models.data.split import is_dev
from triton_models.kinds.tagging.words import Span, in_normal_form
from triton_models.query_text import normal_form

AGAIN = 3  # times that one kind of fault is told of one file


def read(manifest: Manifest) -> DataSet:
    """Read every source.

    Raises:
        UsageError: lists the faults by file and line.
    """
    faults, data = Faults(), DataSet(manifest)
    ids: dict[str, dict[str, str]] = {}  # titles of each catalogue
    for source in sorted(manifest.sources, key=lambda s: s.format == "clicks"):
        reading = Reading(source, manifest.intents, faults, ids, manifest.product_text)
        rows = list(reading.rows())
        if not rows and not reading.blamed:
            faults.add(str(source.path), 0, reading.nothing())
        {
            "queries": data.queries,
            "tagged": data.tagged,
            "pairs": data.pairs,
            "catalogue": data.products,
            "clicks": data.clicks,
        }[source.format].extend(rows)
        if source.format == "catalogue":
            ids[source.name] = {row.id: row.text for row in rows}
        if reading.left_out:
            data.left_out[source.name] = reading.left_out
    faults.tell(manifest.path)
    return stratified(data)


def on_dev_side(source: Source, key: str) -> bool:
    """Whether a key in normal form falls on the development side of a source."""
    if source.split != "by_key":
        return source.split == "dev"
    return is_dev(key, source.dev_share)


class Wrong(Exception):
    """A value of a record is wrong; the text says which and how to fix it."""


class Reading:
    """One source being read; what is wrong goes to `faults`."""

    def __init__(
        self,
        source: Source,
        intents: tuple[str, ...],
        faults: Faults,
        titles: dict[str, dict[str, str]],
        template: str = "",
    ) -> None:
        self.template = template
        self.source, self.intents, self.faults, self.titles = source, intents, faults, titles
        self.blamed: Counter[str] = Counter()
        self.left_out = 0
        self.columns: dict[str, str] = {}
        self.key = source.key  # as the file has it
        self.seen: dict[str, int] = {}  # line of each product id

    def rows(self) -> Iterator[Any]:
        """The rows of the format, without those that the mapping leaves out."""
        make: Callable[[dict, int], Any] = {
            "queries": self._query,
            "tagged": self._tagged,
            "pairs": self._judged,
            "catalogue": self._product,
            "clicks": self._click,
        }[self.source.format]
        source = self.source
        given = {ours: (theirs,) for ours, theirs in source.columns.items()}
        names = named.names_of(source.format) | given | {"key": (source.key,)}
        layout = records.Layout(wanted=names.values())
        for line, record in records.read(source.path, source.delimiter, self._blame, layout):
            if not self.columns and not self._find_columns(record, line):
                return
            try:
                row = make(record, line)
            except Wrong as fault:
                self._blame(line, str(fault))
                continue
            if row is None:
                self.left_out += 1
            else:
                yield row
        for text, times in self.blamed.items():
            if times > AGAIN:
                self.faults.add(
                    str(self.source.path), 0, f"{text} (and {times - AGAIN} lines more)"
                )

    def nothing(self) -> str:
        """Why there is no row."""
        if not self.left_out:
            return "no row in it; fill it, or take the source out"
        part = "item is in the catalogue" if self.source.format == "clicks" else "label is kept"
        return f"of {self.left_out:,} rows no {part}; fix the file or the manifest"

    def _blame(self, line: int, text: str) -> None:
        self.blamed[text] += 1
        if self.blamed[text] <= AGAIN:
            self.faults.add(str(self.source.path), line, text)

    def _find_columns(self, record: dict, line: int) -> bool:
        """Find their name of each of our columns; False when one is missing."""
        if self.source.plain:
            self.columns = {"query": "text"}
            return True
        missing = False
        for name, usual in COLUMNS[self.source.format].items():
            ours = name.rstrip("?")
            if ours == "intent" and self.source.label is not None:
                continue
            given = self.source.columns.get(ours)
            needed = bool(given) or not name.endswith("?")
            likely = "" if needed or not self._jsonl else usual[0]  # a later record may have it
            there = named.theirs(record, {ours: (given,) if given else usual})
            theirs = there.get(ours) or given or likely
            absent = theirs not in record and not self._jsonl
            if (not theirs and needed) or (theirs and absent):
                told = f"no column {given or ours!r}, there are: {', '.join(map(str, record))}"
                by = f"columns = {{ {ours} = … }}" if self.source.line else "--columns"
                self._blame(line, f"{told[:200]}; name it with {by}")
                missing = True
            elif theirs:
                self.columns[ours] = theirs
        key = self.source.key
        self.key = named.theirs(record, {"key": (key,)}).get("key", key)
        if key and self.key not in record and not self._jsonl:
            self._blame(line, f"no column {self.source.key!r} for the key; fix key in the manifest")
            missing = True
        return not missing

    @property
    def _jsonl(self) -> bool:
        """Whether records may differ in their fields."""
        return records.kind(self.source.path) in (".jsonl", ".ndjson", ".json")

    def _value(self, record: dict, ours: str) -> Any:
        return record.get(self.columns.get(ours, ""))

    def _text(self, record: dict, ours: str) -> str:
        value = self._value(record, ours)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = word(value)
        if not isinstance(value, str) or not normal_form(value):
            raise Wrong(f"{self.columns[ours]}: found {value!r:.60}, expected text; fix the line")
        return " ".join(value.split())

    def _maybe(self, record: dict, ours: str) -> str:
        value = self._value(record, ours)
        return "" if value in (None, "") else self._text(record, ours)

    def _base(self, record: dict, line: int, form: str, own_key: str = "") -> dict[str, Any]:
        """The fields of Row; `own_key` is the format's own key where it is not the query."""
        source = self.source
        space, key = ("query", form) if not own_key else (f"{source.name}:", own_key)
        if source.key and self.key != self.columns.get("query"):
            value = word(record.get(self.key))
            if not value:
                raise Wrong(f"{source.key}: found nothing, expected the key; fix the line")
            space, key = source.key, value
        key = normal_form(key)
        dev = on_dev_side(source, key)
        return {"source": source.name, "line": line, "key": (space, key), "dev": dev, "form": form}

    def _query(self, record: dict, line: int) -> Query | None:
        text = self._text(record, "query")
        sentiment = self._sentiment(record)
        lacks = sentiment and self.source.label is None and not self._value(record, "intent")
        label = "" if lacks else self._intent(record)
        if label is None:
            return None
        form = normal_form(text)
        style = self._maybe(record, "style") or describe.style(form)
        same = self.columns.get("category") == self.columns.get("intent")
        category = "" if same else word(self._value(record, "category"))
        base = self._base(record, line, form)
        beside = {"style": style, "category": category, "sentiment": sentiment}
        return Query(**base, query=text, intent=label, **beside)

    def _tagged(self, record: dict, line: int) -> TaggedQuery:
        row = {ours: self._value(record, ours) for ours in self.columns}
        try:
            text, spans = in_normal_form(row)
        except ValueError as fault:
            raise Wrong(f"{fault}; correct the line") from None
        kept = [Span(start, end, str(self._tag(tag))) for start, end, tag in spans]
        found = tuple(span for span in kept if span.tag)
        return TaggedQuery(**self._base(record, line, text), query=text, spans=found)

    def _tag(self, theirs: str) -> str | float:
        labels = self.source.labels
        return labels.get(theirs, labels.get(REST, theirs))

    def _sentiment(self, record: dict) -> str:
        value = self._value(record, "sentiment") or ""
        if value not in ("", *SENTIMENTS):
            expected = f"{', '.join(SENTIMENTS)} or nothing"
            raise Wrong(f"sentiment: found {value!r:.60}, expected {expected}; correct the line")
        return value

    def _intent(self, record: dict) -> str | None:
        """Our label, "" for plain text that has none, None when the row is left out."""
        if self.source.label is not None:
            return self._allowed(self.source.label)
        if self.source.plain:
            return ""
        value = self._value(record, "intent")
        parts = value if isinstance(value, list) else word(value).split(SEPARATOR)
        found = [self._mapped(word(part).strip()) for part in parts]
        kept = dict.fromkeys(str(label) for label in found if label != "")
        return SEPARATOR.join(map(self._allowed, kept)) or None

    def _mapped(self, theirs: str) -> str | float:
        """Our label or grade for theirs; "" leaves out."""
        labels, name = self.source.labels, self.columns.get("intent") or self.columns["grade"]
        if theirs in labels:
            return labels[theirs]
        if theirs and REST in labels:
            return labels[REST]
        if not theirs:
            raise Wrong(f'{name}: found nothing, expected a value; fix it, or map "" = ""')
        if labels:
            told = f"{name}: {theirs[:60]!r} is not in labels of the manifest"
            raise Wrong(f'{told}; add it there, = "" leaves it out')
        return theirs

    def _allowed(self, label: str) -> str:
        if self.intents and label not in self.intents:
            told = f"{label[:60]!r} is not in intents of the manifest"
            raise Wrong(f"{told}; add it there, or map it with labels")
        return label

    def _judged(self, record: dict, line: int) -> Judged | None:
        text, term = self._text(record, "query"), self._text(record, "term")
        term = self._composed(record, {"title": term, "term": term})
        theirs = word(self._value(record, "grade"))
        grade = self._mapped(theirs)
        if grade == "":
            return None
        try:
            grade = float(grade)
        except ValueError:
            grade = -1.0
        if not 0 <= grade <= 1:
            told = f"{self.columns['grade']}: found {theirs[:60]!r}, expected a number from 0 to 1"
            raise Wrong(f"{told}; or map it with labels")
        base = self._base(record, line, normal_form(text))
        return Judged(**base, query=text, term=term, grade=grade)

    def _product(self, record: dict, line: int) -> Product:
        mine, title = self._text(record, "id"), self._text(record, "title")
        if (first := self.seen.setdefault(mine, line)) != line:
            raise Wrong(f"{self.columns['id']}: {mine!r} is in line {first} too; ids differ")
        names = ("category", "product", "brand", "description")
        rest = {name: self._maybe(record, name) for name in names}
        base = self._base(record, line, normal_form(title), rest["product"] or mine)
        text = self._composed(record, {"title": title, "id": mine, **rest})
        return Product(**base, id=mine, title=title, text=text, **rest)

    def _composed(self, record: dict, ours: dict[str, str]) -> str:
        """The text of a product, of our columns and of the others of its record."""
        if not self.template:
            return ours["title"]
        if text := product_text.compose(self.template, record | ours):
            return text
        raise Wrong(f"product_text: no field of {self.template!r} is in the row; name its columns")

    def _click(self, record: dict, line: int) -> Click | None:
        text, item = self._text(record, "query"), self._text(record, "item")
        if self.source.catalogue:
            item = self.titles.get(self.source.catalogue, {}).get(item, "")
            if not item:  # the shop has it no more
                return None
        clicks = self._number(record, "clicks")
        unknown = self._value(record, "impressions") is None
        shown = None if unknown else self._number(record, "impressions")
        base = self._base(record, line, normal_form(text))
        return Click(**base, query=text, item=item, clicks=clicks, impressions=shown)

    def _number(self, record: dict, ours: str) -> int:
        value = word(self._value(record, ours))
        if not value.isdecimal():
            told = f"{self.columns[ours]}: found {value[:60]!r}, expected a whole number from 0"
            raise Wrong(f"{told}; fix the line")
        return int(value)
