"""Colour, size, material, pattern, shape, gender, age, price …: by table and pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple

from worker.lexicon import number_words, prices, worn_sizes
from worker.lexicon.adjacency import WITHIN, next_to_terms
from worker.lexicon.belonging import Belonging
from worker.lexicon.brands import Brand
from worker.lexicon.model_numbers import Models, behind_brand, end_before
from worker.lexicon.numbers import WORDED, Numbers, extent
from worker.lexicon.words import DIGIT, Phrases, Word, meets, words_of

_CODE_BEHIND = re.compile(r"[.-]\d+\b")  # what makes a letter part of one
_SIGNS = re.compile(r"[\d'’]")  # without these, and without a trigger, nothing is found
_WORDED_NUMBERS = WORDED | number_words.WORDS
_WORDED = frozenset({"color", "shape"})  # of which any word may be a value: "egg shaped"

# Of what a longer term is made up of, all but the colour may describe the thing: a leather
# jacket is of leather, red wine is no wine in red.
_PARTS_THAT_DESCRIBE = frozenset({"size", "material", "gender", "age", "quantity", "condition"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a query says of the thing that it asks for.

    Attributes:
        name: color, size, material, pattern, shape, gender, age, condition, quantity, price, brand,
            model, product, style, use or content, which is a title, a team, a character.
        value: canonical, so "red" for "crimson", "55 inch" for "55in"; of product, style and use
            the words of the query.
        start: offset of its first character in the normal form.
        end: one past its last.
    """

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Extent(Attribute):
    """A range of sizes, "8-10"; `min` and `max` are equal if exact, None at an open end."""

    min: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Amount(Extent):
    """A size or quantity with a unit; an age in years or months."""

    unit: str


@dataclass(frozen=True, slots=True)
class Money(Extent):
    """A price; `currency` is its ISO 4217 code, None where the query names none."""

    currency: str | None


class Span(NamedTuple):
    """A term in a query.

    Attributes:
        start, end: offsets of its characters.
        head: offset of the words that name it or a broader term, "jacket" in "leather jacket";
            `start` where none do.
        department: the first level of the term's category.
    """

    start: int
    end: int
    head: int
    department: str


class _Hit(NamedTuple):
    """What may be an attribute.

    Attributes:
        name: "" for an idiom, which is none.
        rule: departments next to which alone it counts, None where it always does.
        extent: `min`, `max` and the unit or currency, of an amount or a price.
    """

    name: str
    value: str
    start: int
    end: int
    rule: tuple[bool, frozenset[str]] | None = None
    extent: tuple[float | None, float | None, str | None] | None = None


class Attributes:
    """Finds attributes; never changes, so any thread may search.

    Args:
        tables: as `worker.lexicon.tables.read_tables` gives them.

    Attributes:
        idioms: keys of phrases in which no word stands for itself.
        models, belonging: find models; tell whether a value is one of the thing that is wanted.
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
        self.models = Models(tables["models"], tables.get("lines"))
        self.belonging = Belonging(tables)
        self._triggers = _WORDED_NUMBERS.union(self._phrases.first, self.models.signs)
        self._describing = words_of(form for form, (name, _) in self._values.items() if name)

    @property
    def words(self) -> Collection[str]:
        """Keys of the words and phrases for values."""
        return self._values.keys()

    def __contains__(self, key: str) -> bool:
        """Whether it is a word or phrase for a value."""
        return bool(self.name_of(key))

    def name_of(self, key: str) -> str:
        """The attribute of which a key is a value, "" where it is none."""
        return self._values.get(key, ("",))[0]

    def is_for(self, word: str, behind: str) -> bool:
        """Whether what is called `behind` is for the material before it: "leather conditioner"."""
        return self.belonging.treats(behind) and self.name_of(word) == "material"

    def may_be_a_scent(self, key: str) -> bool:
        """Whether a word for a colour counts beside terms of some departments alone, since it is a
        flavour or a scent beside others; not with a word that makes it a colour ("light peach")."""
        return self._rules.get(key, (False,))[0]

    def describes(self, word: str) -> bool:
        """Whether a word may belong to a value, as "navy" and "blue" do."""
        return word in self._describing

    def may_stand(self, form: str, keys: Collection[str]) -> bool:
        """Whether there may be an attribute in a normal form, other than a brand.

        Args:
            keys: those of its words.
        """
        return not self._triggers.isdisjoint(keys) or _SIGNS.search(form) is not None

    def find(
        self,
        form: str,
        found: Sequence[Word],
        spans: Callable[[], Sequence[Span]],
        brands: Sequence[Brand] = (),
        blocked: Sequence[tuple[int, int]] = (),
        inside: bool = True,
    ) -> list[Attribute]:
        """The attributes in a normal form, in order, without overlap.

        Args:
            found: its words.
            spans: gives the terms in it; called only if there may be attributes.
            brands: in it; their words are nothing else.
            blocked: start and end of what says nothing of the thing that is wanted.
            inside: as `next_to_terms` takes it.
        """
        named = [
            _Hit(b.attribute, b.name, found[b.first].start, found[b.last - 1].end) for b in brands
        ]
        lines = self.models.of_makers(form, found, brands)
        if named and (blocked or lines):  # the "metcon" of "nike metcon" names nike, too
            nothing = [*blocked, *map(_place, lines)]
            named = [hit for hit in named if not meets(hit, nothing)]
        keys = [word.key for word in found]
        if not (lines or self.may_stand(form, keys)):
            return [_attribute(hit) for hit in named]
        digits = DIGIT.search(form) is not None
        signs = digits or not self.models.signs.isdisjoint(keys)
        models = self.models.find(form, found, brands, lines) if signs else lines
        numbers = self._in_numbers(form, keys) if digits or _worded(form, keys) else ()
        hits = [*numbers, *self._words_in(found)]
        may_be_worn = digits and worn_sizes.may_stand(form)
        if not (hits or models or may_be_worn):
            return [_attribute(hit) for hit in named]
        blocked = others = list(blocked)
        if named:
            amounts = [hit for hit in hits if hit.extent]
            named = [hit for hit in named if not _ends_amount(hit, amounts)]
            blocked = others + list(map(_place, named))
        if models:
            behind = filter(None, map(behind_brand, models, repeat(named), repeat(form)))
            models = list(self.models.with_others(form, found, list(behind)))
            named = [hit._replace(end=end_before(hit, models)) for hit in named]
            blocked = others + list(map(_place, named))
            models = [model for model in models if not meets(model, blocked)]
            blocked += map(_place, models)
        hits = [hit for hit in hits if not meets(hit, blocked)] if blocked else hits
        terms = spans() if hits or may_be_worn else ()
        if may_be_worn:
            said = [_place(h) for h in (*named, *models, *hits) if h.name != "content"]
            sizes = [_Hit("size", form[a:b], a, b) for a, b in worn_sizes.sizes(form, terms, said)]
            if not any(meets(size, [*blocked, *map(_place, hits)]) for size in sizes):
                hits += sizes
        hits = [
            hit
            for hit in self.belonging.materials(_without_overlap(hits), form, terms)
            if hit.name
            and not _is_of_a_code(hit, form)
            and not _hidden(hit, terms, form)
            and not self.belonging.elsewhere(hit, form, found, terms)
        ]
        if any(hit.name == "color" for hit in hits):
            hits = _shades(self._widened(hits, found, terms))
        hits = next_to_terms(hits, terms, form, inside)
        named += [_Hit(*model) for model in models if model.name]
        return [_attribute(hit) for hit in sorted([*hits, *named], key=_start)]

    def worded(self, form: str, found: Sequence[Word], name: str) -> list[Attribute]:
        """What words of a form say of one name of attributes, whatever stands beside them."""
        named = (hit for hit in self._words_in(found) if hit.name == name)
        hits = [hit for hit in named if not _is_of_a_code(hit, form)]
        return [_attribute(hit) for hit in _without_overlap(hits)]

    def _in_numbers(self, form: str, keys: Collection[str]) -> Iterator[_Hit]:
        """Prices, sizes, ages and amounts; of two that are as long, the first counts."""
        for price in prices.find(form, not number_words.WORDS.isdisjoint(keys)):
            yield _Hit("price", price.value, price.start, price.end, None, price[1:4])
        for number in self._numbers.find(form):
            if number.name in _WORDED and self.name_of(number.value) == number.name:
                if number.name == "color":
                    continue  # the table says which: "coffee colored"
                number = number._replace(value=self._values[number.value][1])
            yield _Hit(*number[:4], None, number[4:] if number.unit else None)

    def _words_in(self, found: Sequence[Word]) -> Iterator[_Hit]:
        for i, j, key in self._phrases.find(found):
            yield _Hit(*self._values[key], found[i].start, found[j - 1].end, self._rules.get(key))

    def _widened(
        self, hits: Sequence[_Hit], found: Sequence[Word], terms: Sequence[Span]
    ) -> Iterator[_Hit]:
        """Colours with the words that belong to them: "light blue", "coffee colored"."""
        before = {word.start: last for last, word in zip(found, found[1:], strict=False)}
        after = {last.end: word for last, word in zip(found, found[1:], strict=False)}
        taken = [*terms, *((hit.start, hit.end) for hit in hits if hit.name != "color")]
        for hit in hits:
            if hit.name == "color":
                word = before.get(hit.start)
                if word and word.key in self._modifiers and not meets(word, taken):
                    hit = hit._replace(start=word.start, rule=None)
                word = after.get(hit.end)
                if word and word.key in self._markers and not meets(word, taken):
                    hit = hit._replace(end=word.end, rule=None)
            yield hit


_start, _place = attrgetter("start"), attrgetter("start", "end")


def _worded(form: str, keys: Collection[str]) -> bool:
    """Whether there may be a number in words; a key has no apostrophe, where a word may begin."""
    return not _WORDED_NUMBERS.isdisjoint(keys) or "'" in form or "’" in form


def _attribute(hit: _Hit) -> Attribute:
    plain = hit.name, hit.value, hit.start, hit.end
    if hit.extent is not None:
        return (Money if hit.name == "price" else Amount)(*plain, *hit.extent)
    if hit.name in ("age", "size") and (ends := extent(hit.value)):
        return Amount(*plain, *ends) if ends[2] else Extent(*plain, *ends[:2])
    return Attribute(*plain)


def once(attributes: Iterable[Attribute]) -> list[Attribute]:
    """Each of them that says the same as one before left out: "lg 6 lg 6 phone"."""
    said: dict[tuple[str, str], Attribute] = {}
    for attribute in attributes:
        said.setdefault((attribute.name, attribute.value), attribute)
    return list(said.values())


def _ends_amount(brand: _Hit, amounts: Sequence[_Hit]) -> bool:
    """Whether a brand's name is the end of an amount: "1/2 hp"."""
    return any(a.start < brand.start and brand.end <= a.end for a in amounts)


def _without_overlap(hits: Sequence[_Hit]) -> list[_Hit]:
    """The longest are taken first; in order."""
    if len(hits) < 2:
        return list(hits)
    used = bytearray(max(hit.end for hit in hits))
    taken: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.start - hit.end):
        if not any(used[hit.start : hit.end]):
            used[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            taken.append(hit)
    return sorted(taken, key=_start)


def _is_of_a_code(hit: _Hit, form: str) -> bool:
    """Whether a size of one letter belongs to a longer name: the "m" of "m.2" and "m-65", but not
    the "s" of "s-3xl"."""
    return hit.end - hit.start == 1 and _CODE_BEHIND.match(form, hit.end) is not None


def _hidden(hit: _Hit, terms: Sequence[Span], form: str) -> bool:
    """Whether it is but a part of a term's name."""
    if hit.extent is not None or hit.value[-1:].isdigit():
        return False  # a number always says something of its own
    if hit.name in ("gender", "age") and form.endswith(" for ", 0, hit.start):
        return False  # "scarf for men"
    for term in terms:
        inside = term.start <= hit.start and hit.end <= term.end
        if inside and hit.end - hit.start < term.end - term.start:
            if hit.name in WITHIN:
                return hit.end == term.end  # "combination square"
            return hit.name not in _PARTS_THAT_DESCRIBE or hit.end > term.head
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
