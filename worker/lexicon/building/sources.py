"""What a lexicon is built from, read and checked: products, paths, rules, clicks, terms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from triton_models.query_text import normal_form
from worker.errors import LexiconError
from worker.lexicon.building.blocks import Block
from worker.lexicon.building.rows import Faults, is_json, lines, rows
from worker.lexicon.words import key

FIELDS = ("id", "title", "brand", "category", "attributes")
REQUIRED = ("id", "title")
MOST_NAMED = 12  # columns in a message
_OTHER_MARKS = "|;→»\\/"  # that may part levels; / is also "or", as in "Men/Women"
LONGEST_LINE = 10_000  # characters, of a path, a rule or a term
_OTHER_NAMES = {  # what other shops call a field, as a remedy proposes it
    "brand": ("manufacturer", "vendor", "maker", "brand_name", "supplier"),
    "category": ("product_type", "producttype", "category_path", "categories", "department"),
    "attributes": ("color", "colour", "material", "gender"),
}
_QUERY = ("query", "q", "search_term", "search_query")
_ITEM = ("id", "item", "item_id", "product", "product_id", "clicked", "bought", "docid")
_COUNT = ("count", "clicks", "n", "frequency")
_NUMBERED = re.compile(r"\S+ +: +|\d+ - ")  # Shopify's and Google's: an id before the path
_ARROW = re.compile(r"(?<!\\)=>")
_COMMA = re.compile(r"(?<!\\),")
_QUOTED = re.compile(r"^\s*[\"“”„]|(?<!\d)[\"“”]\s*$")  # but not inches: 55"
_ESCAPE = re.compile(r"\\(.)")


class Product(NamedTuple):
    """A product of a catalogue.

    Attributes:
        category: its levels, the widest first; empty where it has none.
        attributes: name and value of each, as they were written.
    """

    id: str
    title: str
    brand: str
    category: tuple[str, ...]
    attributes: Sequence[tuple[str, str]]


class Rule(NamedTuple):
    """A line of a synonym file.

    Attributes:
        texts: each stands for each other, or, if `means` is not empty, for those of `means`.
    """

    texts: tuple[str, ...]
    means: tuple[str, ...]
    place: str


class Click(NamedTuple):
    """How often a product was clicked or bought after a query."""

    query: str
    item: str
    count: int


def fields(text: str) -> dict[str, str]:
    """The columns of a catalogue by field, from "title=name,brand=supplier"; those of `attributes`,
    which may be given several times, with commas between them.

    Raises:
        LexiconError: it is not of this form.
    """
    found = {}
    for part in filter(None, text.split(",")):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if name not in FIELDS or not equals or not column:
            known = ", ".join(FIELDS)
            remedy = f"write FIELD=COLUMN, with FIELD one of {known}"
            raise LexiconError(f"--fields: found {part.strip()!r}; {remedy}")
        several = name == "attributes" and name in found
        found[name] = f"{found[name]},{column}" if several else column
    return found


def products(block: Block, columns: Mapping[str, str], faults: Faults) -> Iterator[Product]:
    """The products of a block of a catalogue.

    Args:
        columns: the column of each field that is not called like it; that of `attributes` holds
            objects, or is an attribute itself, as are several of them and all that fit a "*".
    """
    is_table, unknown = not is_json(block.name), block.line == 1
    several, named = _are_several(columns.get("attributes", "")), "attributes" in columns
    by_shape: dict[tuple[str, ...], tuple[dict[str, str], dict[str, str]]] = {}
    for place, row in block.rows(faults):
        if (read := by_shape.get(shape := (*row,))) is None:
            column = _columns(row, columns)
            read = by_shape[shape] = column, _by_pattern(row, column["attributes"])
        column, told = read
        if unknown and not _has_columns(place, row, column, is_table, faults):
            return
        unknown = False
        values = {name: _text(row.get(column[name])) for name in REQUIRED}
        empty = [name for name, value in values.items() if not value]
        if empty:
            found = f"no {' and no '.join(column[name] for name in empty)}"
            faults.found(place, found, "an id and a title", "fill it in, or remove the line")
            continue
        name = column["attributes"]
        given = _named(row, told) if several else row.get(name)
        if named and isinstance(given, str) and not given.lstrip().startswith("{"):
            given = {name: given}
        yield Product(
            values["id"],
            values["title"],
            _text(row.get(column["brand"])),
            _levels(row.get(column["category"])),
            [*_attributes(given, place, faults)],
        )


def _columns(row: Collection[str], columns: Mapping[str, str]) -> dict[str, str]:
    """The column of each field in a row, whatever its case; as it is called if there is none."""
    folded = {column.casefold(): column for column in reversed([*row])}
    named = {name: columns.get(name, name) for name in FIELDS}
    return {n: c if c in row else folded.get(c.casefold(), c) for n, c in named.items()}


def unread(block: Block, columns: Mapping[str, str]) -> str:
    """Which columns of a catalogue's first row are not read, with the remedy; "" if all are.

    Args:
        block: its first one.
        columns: as `products` takes them.
    """
    row = next((row for _, row in block.rows(Faults())), {})
    column = _columns(row, columns)
    read = {*column.values(), *_by_pattern(row, column["attributes"])}
    left = [name for name in row if name and name not in read]
    if not left:
        return ""
    lacking = [name for name, c in column.items() if c not in row and name not in columns]
    meant = [f"{f}={c}" for f in lacking for c in left if c.casefold() in _OTHER_NAMES.get(f, ())]
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    found = f"{block.name}: columns that are not read: {', '.join(left[:MOST_NAMED])}{more}"
    if not lacking:
        return found
    given = ",".join(dict.fromkeys(meant)) or f"{lacking[0]}=COLUMN"
    return f"{found}; none is read as {' or '.join(lacking)}: name it, as in --fields {given}"


def _has_columns(
    place: str,
    row: Mapping[str, Any],
    column: Mapping[str, str],
    is_table: bool,
    faults: Faults,
) -> bool:
    """Whether a catalogue's first row has the required columns, and all that a CSV must have."""
    needed = {column[name]: name for name in REQUIRED}
    if is_table:  # in JSON lines, later rows may have what the first has not
        given = {part: n for n, c in column.items() if c != n for part in c.split(",")}
        needed |= {part: name for part, name in given.items() if "*" not in part}
    folded = {name.casefold() for name in row}
    missing = {part: name for part, name in needed.items() if part.casefold() not in folded}
    if missing:
        found = f"no field {', '.join(missing)} (there are {', '.join(list(row)[:MOST_NAMED])})"
        fields = dict.fromkeys(missing.values())
        remedy = f"name what there is: --fields {','.join(f'{name}=COLUMN' for name in fields)}"
        faults.found(place, found, f"a column for {' and '.join(fields)}", remedy)
    return not missing


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return ""
    return " ".join(str(value).split())


def _levels(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        value = value[0] if value and isinstance(value[0], list) else value
        levels = [_text(level) for level in value]
    else:
        levels = [" ".join(level.split()) for level in _text(value).split(">")]
    return tuple(filter(None, levels))


def _are_several(columns: str) -> bool:
    return "*" in columns or "," in columns


def _by_pattern(row: Iterable[str], columns: str) -> dict[str, str]:
    """The columns that are among several, or fit one with a "*", each with what it tells: what
    stands for the "*", or its name."""
    found = {}
    for pattern in columns.split(",") if _are_several(columns) else ():
        start, star, _ = pattern.partition("*")
        for name in row:
            if fnmatchcase(name, pattern) if star else name.casefold() == pattern.casefold():
                found[name] = name.removeprefix(start) if star else name
    return found


def _named(row: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """The attributes in several columns, by name; `told` is as `_by_pattern` gives it."""
    found: dict[str, Any] = {}
    for column, name in told.items():
        name = name.replace("_", " ").strip()
        found[name] = found.get(name) or row[column]
    return found


def _attributes(value: Any, place: str, faults: Faults) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = value.strip()
    if isinstance(value, dict):
        for name, one in value.items():
            for text in one if isinstance(one, list) else [one]:
                if isinstance(text, str) and text.strip():
                    yield name, " ".join(text.split())
    elif value not in (None, "", []):
        found, remedy = f"attributes {value!r:.40}", "write one, or leave it empty"
        faults.found(place, found, 'a JSON object such as {"color": "red"}', remedy)


def _texts_of(path: Path, faults: Faults) -> Iterator[tuple[str, str]]:
    """The place and the text of each line of a file of names, which is not JSON."""
    for place, line in lines(path, faults):
        json = line.strip() in ("[", "{") or line.startswith(("[{", '["', '{"'))
        if json or len(line) > LONGEST_LINE:
            found = "JSON" if json else f"a line of {len(line):,} characters"
            faults.found(place, found, "a name, path or rule a line", "write one a line")
            return
        yield place, line


def not_parted(some: Collection[Sequence[str]]) -> Iterator[str]:
    """What whoever owns paths should know if another mark than > may part the levels of some."""
    names = [path[0] for path in some if len(path) == 1]
    begun = Counter(level.casefold() for path in some if len(path) > 1 for level in path)
    begun.update(re.split(f" ?[{re.escape(_OTHER_MARKS)}]", name.casefold())[0] for name in names)
    for mark in _OTHER_MARKS:
        marked = [name for name in names if mark in name]
        if mark == "/" and 2 * len(marked) <= len(some):
            first = (name.casefold().partition(mark)[0].rstrip() for name in marked)
            marked = [name for name, level in zip(marked, first, strict=True) if begun[level] > 1]
        if marked:
            more = f" and {len(marked) - 1:,} more" if marked[1:] else ""
            found = f"{marked[0]!r}{more}: taken for one name"
            yield f"categories: {found}; write > for {mark} if it parts the levels"


def paths(path: Path, faults: Faults) -> Iterator[tuple[str, ...]]:
    """The paths of a taxonomy, one a line: "A > B > C", or behind an id as in Shopify's and
    Google's files; what begins with # is a comment."""
    for place, line in _texts_of(path, faults):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        text = line[match.end() :] if (match := _NUMBERED.match(line)) else line
        levels = [" ".join(level.split()) for level in text.split(">")]
        if all(levels):
            yield tuple(levels)
        else:
            found, remedy = f"{line.strip()!r:.60}", "write a name on both sides of each >"
            faults.found(place, found, "Department > Category", remedy)


def rules(path: Path, faults: Faults) -> Iterator[Rule]:
    """The rules of a synonym file in the format of Solr, which Elasticsearch reads too: "a, b" for
    two ways, "a, b => c" for one; what begins with # is a comment."""
    for place, line in _texts_of(path, faults):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        sides = [_texts(side) for side in _ARROW.split(text)]
        if text.startswith("s("):
            remedy = "convert it to Solr's format: a, b => c"
            faults.found(place, "WordNet's format", "Solr's", remedy)
        elif len(sides) > 2 or not all(sides) or (len(sides) == 1 and len(sides[0]) < 2):
            found, remedy = f"{text!r:.60}", "write two different names, or both sides of =>"
            faults.found(place, found, "a, b or a, b => c", remedy)
        elif any(_QUOTED.search(part) for part in _COMMA.split(text.replace("=>", ","))):
            remedy = "take the quotes out; Solr's format has none"
            faults.found(place, f"{text!r:.60}", "names without quotes", remedy)
        elif " # " in text:  # Solr, too, takes it for a part of the name
            remedy = "put the comment on a line of its own"
            faults.found(place, f"{text!r:.60}", "a rule without a comment", remedy)
        else:
            yield Rule(sides[0], sides[1] if len(sides) == 2 else (), place)


def _texts(side: str) -> tuple[str, ...]:
    parts = (normal_form(_ESCAPE.sub(r"\1", part)) for part in _COMMA.split(side))
    return tuple(dict.fromkeys(part for part in parts if key(part)))


def clicks(path: Path, faults: Faults) -> Iterator[Click]:
    """The clicks or purchases of a query log; a row without a count counts once."""
    names: list[str | None] = []
    for place, row in rows(path, faults):
        if not names:
            names = [next((n for n in some if n in row), None) for some in (_QUERY, _ITEM, _COUNT)]
            if names[0] is None or names[1] is None:
                found = f"the fields {', '.join(list(row)[:12])}"
                remedy = "name the columns query, id and count"
                faults.found(place, found, "a query, and the id of a product", remedy)
                return
        query, item = normal_form(_text(row.get(names[0]))), _text(row.get(names[1]))
        count = _number(row.get(names[2])) if names[2] else 1
        if count is None or not query or not item:
            found = f"query {query!r:.40}, id {item!r:.20}, count {row.get(names[2] or '')!r:.10}"
            remedy = "correct the line, or remove it"
            faults.found(place, found, "a query, an id, and a count of 1 or more", remedy)
        else:
            yield Click(query, item, count)


def _number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def terms(path: Path, faults: Faults) -> Iterator[str]:
    """The terms of a plain list, one a line; what begins with # is a comment."""
    for place, line in _texts_of(path, faults):
        text = normal_form(line)
        if text.startswith("#") or not text:
            continue
        if key(text):
            yield text
        else:
            faults.found(place, repr(text), "a term with a letter or digit", "remove it")
