"""Colour, size, material, gender, age and quantity in a query, by table and pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from worker.lexicon.numbers import Numbers
from worker.lexicon.words import Phrases, Word

# Of what a longer term is made up of, all but the colour may describe the thing: a leather
# jacket is of leather, red wine is no wine in red.
PARTS_THAT_DESCRIBE = frozenset({"size", "material", "gender", "age", "quantity"})

# What may stand between a thing and what describes it: "boots in tan", "shirt in a large".
LINKS = {"", "in", "in a", "in size", "in color", "in colour", "made of", "made from"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a query says of the thing that it asks for.

    Attributes:
        name: color, size, material, gender, age or quantity.
        value: canonical, so "red" for "crimson", "55 inch" for "55in".
        start: offset of its first character in the normal form.
        end: one past its last.
    """

    name: str
    value: str
    start: int
    end: int


class Span(NamedTuple):
    """A term in a query.

    Attributes:
        start, end: offsets of its characters.
        head: offset of the words that name it or a broader term, "jacket" in "leather jacket";
            `start` where none do.
    """

    start: int
    end: int
    head: int
    category: str


class _Hit(NamedTuple):
    """What may be an attribute.

    Attributes:
        name: "" for an idiom, which is none.
        rule: departments next to which alone it counts, None where it always does.
    """

    name: str
    value: str
    start: int
    end: int
    rule: tuple[bool, frozenset[str]] | None = None


class Attributes:
    """Finds attributes; never changes, so any thread may search.

    Args:
        tables: as `worker.lexicon.tables.read_tables` gives them.

    Attributes:
        idioms: keys of phrases in which no word stands for itself.
    """

    def __init__(self, tables: dict[str, Any]) -> None:
        self._values: dict[str, tuple[str, str]] = {k: (*v,) for k, v in tables["values"].items()}
        self.idioms = [form for form, (name, _) in self._values.items() if not name]
        self._phrases = Phrases(self._values)
        self._modifiers = frozenset(tables["modifiers"])
        self._markers = frozenset(tables["markers"])
        self._rules = {
            word: (rule["only"], frozenset(rule["departments"]))
            for rule in tables["beside"]
            for word in rule["words"]
        }
        self._numbers = Numbers(tables["units"], tables["counts"])

    def find(
        self, form: str, found: Sequence[Word], spans: Callable[[], Sequence[Span]]
    ) -> list[Attribute]:
        """The attributes in a normal form, in order, without overlap.

        Args:
            found: its words.
            spans: gives the terms in it; called only if there may be attributes.
        """
        hits = [_Hit(*number) for number in self._numbers.find(form)]
        hits += self._words_in(found)
        if not hits:
            return []
        terms = spans()
        hits = [hit for hit in _apart(hits) if hit.name and not _hidden(hit, terms)]
        if any(hit.name == "color" for hit in hits):
            hits = _shades(self._widened(hits, found, terms))
        hits = _next_to_terms(hits, terms, form)
        return [Attribute(hit.name, hit.value, hit.start, hit.end) for hit in hits]

    def _words_in(self, found: Sequence[Word]) -> Iterator[_Hit]:
        for i, j, key in self._phrases.find(found):
            yield _Hit(*self._values[key], found[i].start, found[j - 1].end, self._rules.get(key))

    def _widened(
        self, hits: Iterable[_Hit], found: Sequence[Word], terms: Sequence[Span]
    ) -> Iterator[_Hit]:
        """Colours with the words that belong to them: "light blue", "coffee colored"."""
        before = {word.start: last for last, word in zip(found, found[1:], strict=False)}
        after = {last.end: word for last, word in zip(found, found[1:], strict=False)}
        for hit in hits:
            if hit.name == "color":
                word = before.get(hit.start)
                if word and word.key in self._modifiers and not _overlaps(word, terms):
                    hit = hit._replace(start=word.start, rule=None)
                word = after.get(hit.end)
                if word and word.key in self._markers and not _overlaps(word, terms):
                    hit = hit._replace(end=word.end, rule=None)
            yield hit


def _overlaps(word: Word, terms: Sequence[Span]) -> bool:
    return any(term.start < word.end and word.start < term.end for term in terms)


def _apart(hits: Sequence[_Hit]) -> list[_Hit]:
    """Without overlap, the longest taken first; in order."""
    if len(hits) == 1:
        return list(hits)
    used = bytearray(max(hit.end for hit in hits))
    taken: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.start - hit.end):
        if not any(used[hit.start : hit.end]):
            used[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            taken.append(hit)
    return sorted(taken, key=lambda hit: hit.start)


def _hidden(hit: _Hit, terms: Sequence[Span]) -> bool:
    """Whether it is but a part of a term's name."""
    for term in terms:
        inside = term.start <= hit.start and hit.end <= term.end
        if inside and hit.end - hit.start < term.end - term.start:
            return hit.name not in PARTS_THAT_DESCRIBE or hit.end > term.head
    return False


def _shades(hits: Iterable[_Hit]) -> list[_Hit]:
    """Neighbouring words for one colour become one: "olive green", "dark navy blue"."""
    merged: list[_Hit] = []
    for hit in hits:
        last = merged[-1] if merged else None
        if last and hit.name == "color" == last.name:
            if hit.start <= last.end:  # a modifier that is a colour itself
                merged.pop()
            elif hit.value == last.value and hit.start - last.end == 1:
                merged[-1] = last._replace(end=hit.end, rule=None)
                continue
        merged.append(hit)
    return merged


def _next_to_terms(hits: Sequence[_Hit], terms: Sequence[Span], form: str) -> list[_Hit]:
    """Without those that would have to stand next to a term and do not.

    Another attribute that surely is one may stand between: "chocolate leather sofa".
    """
    sure = [(hit.start, hit.end) for hit in hits if hit.rule is None]
    if len(sure) == len(hits):
        return list(hits)

    def counts(hit: _Hit) -> bool:
        if hit.rule is None:
            return True
        only, departments = hit.rule
        fit = [t for t in terms if (t.category.split(" > ")[0] in departments) == only]
        places = sure + [(term.start, term.end) for term in fit]
        return bool(fit) and any(_touch(hit, *place, form) for place in places)

    return [hit for hit in hits if counts(hit)]


def _touch(hit: _Hit, start: int, end: int, form: str) -> bool:
    """Whether a hit is what stands at `start` to `end`, or follows or precedes it."""
    if hit.start < end and start < hit.end:
        return (hit.start, hit.end) == (start, end)
    if end <= hit.start:
        return form[end : hit.start].strip(" -,") in LINKS
    return form[hit.end : start] in (" ", "-")
