"""Reads a lexicon's source folder, and reports every fault by file and line.

`*.txt`, one file a department:

    [Shoes > Running]                          the category of the lines below
    running shoes = jogging shoes < sneakers   term = synonym, synonym < broader term
    # what stands behind a hash is a comment

A text that two files use for two terms is ambiguous: a name wins over a synonym, then the file that
sorts first. Within one file it is a fault. `words.toml` holds irregular plurals and spellings,
`attributes.toml` colours, sizes and the like, `brands.txt` brands, `models.txt` their lines,
`misspellings.txt` misspellings; where a folder has none, the starter's are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.config.settings import STARTER_LEXICON
from worker.errors import Fault, LexiconError
from worker.lexicon.brand_source import BRANDS, read_brands
from worker.lexicon.line_source import MODEL_LINES, read_lines
from worker.lexicon.lines import lines
from worker.lexicon.misspelling_source import MISSPELLINGS, read_misspellings
from worker.lexicon.tables import read_spelling, read_tables
from worker.lexicon.words import Spelling, key

_LEVEL = r"[^\s\[\]>](?:[^\[\]>]*[^\s\[\]>])?"
_HEADING = re.compile(rf"\[({_LEVEL}(?: > {_LEVEL})*)\]")
_TEXT = re.compile(r"[^\W_]+(?:[ '’.&/+-]+[^\W_]+)*\+?")


@dataclass(frozen=True, slots=True)
class SourceTerm:
    """One line of a source file.

    Attributes:
        place: file and line, "shoes.txt:12".
        parent: name of the broader term, "" where there is none.
    """

    name: str
    synonyms: tuple[str, ...]
    parent: str
    category: str
    place: str

    @property
    def file(self) -> str:
        return self.place.partition(":")[0]

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.name, *self.synonyms)


@dataclass(frozen=True, slots=True)
class Source:
    """What a source folder holds.

    Attributes:
        parents: position of each term's broader term, or None.
        attributes: tables of attribute words, as `Attributes` takes them, and `misspellings`.
        brands: as `Brands` takes them.
    """

    terms: list[SourceTerm]
    parents: list[int | None]
    spelling: Spelling
    attributes: dict[str, Any]
    brands: list[dict[str, Any]]


def read(folder: Path) -> Source:
    """Read and check a source folder.

    Raises:
        LexiconError: lists every fault.
    """
    folder = Path(folder)
    others = BRANDS, MISSPELLINGS, MODEL_LINES
    files = sorted(path for path in folder.glob("*.txt") if path.name not in others)
    if not files:
        reason = "no *.txt in it" if folder.is_dir() else "no such folder"
        raise LexiconError(f"{folder}: {reason}; name with --source the folder of the source files")
    faults: list[Fault] = []
    reading = _Reading(faults)
    for file in files:
        reading.read(file)
    parents = _parents(reading.terms, faults)
    spelling = read_spelling(_own_or_starter(folder, "words.toml"), faults)
    tables = _own_or_starter(folder, "attributes.toml")
    paths = {term.category for term in reading.terms}
    known = paths if tables.parent == folder else None  # the starter's has its own
    attributes = read_tables(tables, spelling, known, faults)
    told = _own_or_starter(folder, MISSPELLINGS)
    attributes["misspellings"] = read_misspellings(told, faults)
    attributes["lines"] = read_lines(_own_or_starter(folder, MODEL_LINES), faults)._asdict()
    brands = read_brands(_own_or_starter(folder, BRANDS), spelling, faults)
    _add_lines(brands, attributes["lines"])
    if not reading.terms and not faults:
        raise LexiconError(f"{folder}: no term in its *.txt; write some, as in the starter lexicon")
    if faults:
        raise LexiconError(f"{folder}: {len(faults)} fault(s)", sorted(faults, key=_place))
    return Source(reading.terms, parents, spelling, attributes, brands)


def _add_lines(brands: Iterable[dict[str, Any]], lines: Mapping[str, Any]) -> None:
    """Adds its lines to what tells that an ordinary word is a maker: "foodi" that it is "ninja"."""
    alone = frozenset(lines["alone"])
    for brand in brands:
        if brand["kinds"]:
            own = alone.intersection(lines["of"].get(key(brand["name"]), "").split("\n"))
            brand["kinds"] = sorted({*brand["kinds"], *(line for line in own if " " not in line)})


def _place(fault: Fault) -> tuple[str, int]:
    file, _, line = fault.key.partition(":")
    return file, int(line or 0)


def _own_or_starter(folder: Path, name: str) -> Path:
    own = folder / name
    return own if own.is_file() else STARTER_LEXICON / name


@dataclass
class _Reading:
    """The terms read so far, and where each text of the current file stands."""

    faults: list[Fault]
    terms: list[SourceTerm] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def read(self, file: Path) -> None:
        self.said, category, filled, place = {}, "", True, ""
        for at, line in lines(file, self.faults):
            if line.startswith("["):
                self._demand_terms(filled, place, category)
                place, filled = at, False
                category = self._category(line, place)
            else:
                filled = True
                self._term(line, category, at)
        self._demand_terms(filled, place, category)

    def _fault(self, place: str, found: str, expected: str, remedy: str) -> None:
        self.faults.append(Fault(place, found, expected, remedy))

    def _demand_terms(self, filled: bool, place: str, category: str) -> None:
        if not filled:
            self._fault(place, f"[{category}] without a term", "terms below it", "add or remove")

    def _category(self, line: str, place: str) -> str:
        if not _HEADING.fullmatch(line):
            self._fault(place, repr(line), "[Department > Category]", "write it so")
        return line.strip("[]")

    def _term(self, line: str, category: str, place: str) -> None:
        rest, _, parent = line.partition("<")
        name, equals, others = rest.partition("=")
        synonyms = [text.strip() for text in others.split(",")] if equals else []
        term = SourceTerm(name.strip(), tuple(synonyms), parent.strip(), category, place)
        if not category:
            self._fault(place, "a term before any heading", "[Department > Category]", "add one")
        texts = [*term.texts, *([term.parent] if "<" in line else [])]
        wrong = [text for text in texts if not _TEXT.fullmatch(text) or text != text.lower()]
        for text in wrong:
            self._fault(place, repr(text), "lower-case words", "name = synonym < broader term")
        for text in term.texts:
            if (first := self.said.get(key(text), place)) != place:
                line = first.rpartition(":")[2]
                self._fault(place, repr(text), "each text once in a file", f"also in line {line}")
            self.said[key(text)] = place
        self.terms.append(term)


def _parents(terms: list[SourceTerm], faults: list[Fault]) -> list[int | None]:
    """Position of each broader term: one of the same file, else of the first file that has it."""
    names: dict[tuple[str, str], int] = {}
    synonyms: dict[str, str] = {}
    for position, term in enumerate(terms):
        names.setdefault((term.file, key(term.name)), position)
        names.setdefault(("", key(term.name)), position)
        synonyms.update({key(text): term.name for text in term.synonyms})
    parents = []
    for term in terms:
        wanted = key(term.parent)
        parent = names.get((term.file, wanted), names.get(("", wanted)))
        if wanted and parent is None:
            known = f"write {synonyms[wanted]!r}" if wanted in synonyms else "add it as a term"
            faults.append(Fault(term.place, f"< {term.parent}", "the name of a term", known))
        parents.append(parent)
    faults.extend(_circles(terms, parents))
    return parents


def _circles(terms: list[SourceTerm], parents: list[int | None]) -> Iterator[Fault]:
    for start, term in enumerate(terms):
        seen, at = {start}, parents[start]
        while at is not None and at not in seen:
            seen.add(at)
            at = parents[at]
        if at == start:
            found = f"{term.name!r} is broader than itself"
            yield Fault(term.place, found, "no circle of broader terms", "remove one <")
