"""What the tags of the tagging model add to what the lexicon finds in a query, and take from it.

Rules, each from a probability that was chosen on held-back real queries:
- The words that a query begins with are a brand where they are tagged so and are a brand's name
  that is also an ordinary word, or, in a query that names no brand, words that nobody knows: before
  a term of the lexicon a lower probability is enough. Not so what is a letter away from a word of
  the lexicon. Series of furniture are called like brands: there words that nobody knows are none.
- Words tagged as a model are one where they stand right behind a brand, up to what the lexicon
  finds in them; without a digit not if they are a term, and ordinary words from a higher
  probability.
- A word for a material, size, gender or age that the lexicon's rules set aside counts where it is
  tagged so.
- The term that is tagged as a product is asked for where the words around it do not tell, and its
  other names are the surer for it (`worker.understanding.query_target` and `evidence`).
- What is not wanted is what is tagged so, also where it is part of a term's name ("fluoride free
  toothpaste"): a longer span of the lists ends with it. In a title ("songs without words") nothing
  is excluded.
- What is on or in a thing ("the princess in black") says nothing of it and is no term beside the
  thing; nor does a colour in a thing's name ("coffee table") count, nor a word for a colour or a
  scent that is tagged as anything but a colour ("rose oil peach").
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import chain, takewhile
from operator import attrgetter
from string import ascii_lowercase
from typing import NamedTuple

from worker.event import Tag
from worker.lexicon.attributes import Attribute, Attributes
from worker.lexicon.brands import Brand
from worker.lexicon.exclusions import PARTS, QUALIFIERS, Exclusion, goes_on
from worker.lexicon.head_words import AGAINST
from worker.lexicon.negations import (
    FREE,
    JOINED,
    LABELS,
    LAST_WORDS,
    NEGATING,
    is_given,
    negation,
)
from worker.lexicon.words import DIGIT, Word, covered, meets, stem

BRAND = 0.6
NEW_BRAND = 0.45  # before a term
MODEL = 0.5
PLAIN_MODEL = 0.6  # in ordinary words
CONTENT = 0.65
VALUE = 0.7
PRODUCT = 0.85  # whose name holds a colour
NO_COLOR = 0.5  # of any other tag, of a word for a colour or a scent
BESIDE = 0.5  # a product beside content
EXCLUDED = 0.55
ELSE = 0.5  # of another tag behind it
PERHAPS = 0.3  # excluded: tells where a longer span ends
THING = 0.5  # a product, from which it says which term is the thing

SET_ASIDE = frozenset({"material", "size", "gender", "age"})  # colours are set aside for good
DESCRIBE = SET_ASIDE | {"color", "pattern", "shape"}
_NEGATIONS = NEGATING | JOINED | LAST_WORDS
LETTERS = 3  # of a new brand, at least
FURNITURE = "Furniture"


class Thing(NamedTuple):
    """Words that are tagged as the thing that is asked for.

    Attributes:
        start: offset of the first character, in the normal form.
        end: one past the last.
        probability: that the tag is right.
    """

    start: int
    end: int
    probability: float


class Tagged:
    """The tags of one query, over its words."""

    def __init__(self, tags: Iterable[Tag], found: Sequence[Word]) -> None:
        self._found = found
        self._tags = list(tags)
        self._named: dict[str, list[Tag]] = {}
        for tag in self._tags:
            self._named.setdefault(tag.name, []).append(tag)
        self._covered: dict[Tag | Exclusion, tuple[int, int]] = {}  # words of what was asked for

    def brand(self, least: float = BRAND) -> int:
        """How many words the query begins with that are a brand, if they may be one."""
        ends = [self._words(tag) for tag in self._of("brand", least)]
        return next((last for first, last in ends if not first), 0)

    def new_brand(self, is_new: Callable[[str], bool], terms: Mapping[int, str]) -> list[Brand]:
        """The brand that a query without a known one begins with; [] where it begins with none.

        Args:
            is_new: whether nobody knows a word, nor one that it may be misspelt for.
            terms: of each term in the query, the position of its first word and its department.
        """
        last = self.brand(NEW_BRAND)
        if not any(first >= last for first in terms):
            last = self.brand()
        keys = [word.key for word in self._found[:last]]
        name = " ".join(keys)
        if len(name) < LETTERS or FURNITURE in terms.values() or not all(map(is_new, keys)):
            return []
        return [Brand(name, 0, last, None)]

    def contents(self) -> list[tuple[int, int]]:
        """First and one past the last word of what is on or in a thing that the query names."""
        if not self._of("product", BESIDE):
            return []
        return [self._words(tag) for tag in self._of("content", CONTENT)]

    def things(self) -> list[Thing]:
        """What is tagged as the thing that is asked for, without marks around it."""
        spans = [(*self._words(tag), tag.probability) for tag in self._of("product", THING)]
        return [
            Thing(self._found[first].start, self._found[last - 1].end, chance)
            for first, last, chance in spans
            if last
        ]

    def exclusions(
        self,
        listed: Sequence[Exclusion],
        names: Iterable[tuple],
        form: str,
        values: Container[str],
    ) -> list[Exclusion]:
        """Those of the lists, without what the tags contradict and with what they add; in order.

        Args:
            names: first and one past the last word of phrases in which nothing is excluded.
            values: keys of attributes' values, which are excluded as a whole: "off white".
        """
        sure = self._excluded(EXCLUDED).difference(*(range(name[0], name[1]) for name in names))
        titles = self._of("content", CONTENT)
        listed = [x for x in listed if not any(self._is_in_title(x, title) for title in titles)]
        if not (sure or listed):
            return []
        perhaps = self._excluded(PERHAPS)
        kept, taken = [], set()
        for x in listed:
            inside = list(range(*self._words(x)))
            own = [*takewhile(perhaps.__contains__, inside)]
            whole = own == inside or (own and self._found[own[-1]].key in QUALIFIERS)
            whole = whole or (own and self._goes_on(own[-1] + 1, inside[-1] + 1))
            whole = whole or (own and goes_on(self._found, own[-1] + 1))  # "usb c"
            whole = whole or " ".join(self._found[n].key for n in inside) in values
            if own and not whole:  # "without cable outdoor"
                x = self._exclusion(own[0], own[-1] + 1, form)
            kept.append((x, -1 if own else inside[-1] + 2))
            taken.update(inside)
        runs = _runs(sure | taken, self._found, form)
        new = {
            a: self._exclusion(a, b, form)
            for a, b in runs
            if taken.isdisjoint(range(a, b)) and not self._is_given(a, b, form, values)
        }
        # The "free" of "bay leaf free bpa" belongs to what is tagged behind it.
        return sorted([*new.values(), *(x for x, behind in kept if behind not in new)], key=_place)

    def _goes_on(self, first: int, last: int) -> bool:
        """Whether words behind one that is tagged as not wanted belong to it, though they are not:
        the "cup" of "no suction cup", unless it is tagged as something else."""
        behind = [(self._found[first].start, self._found[last - 1].end)]
        return stem(self._found[last - 1].key) in PARTS and not any(
            tag.probability >= ELSE and meets(tag, behind) for tag in self._tags
        )

    def _is_given(self, first: int, last: int, form: str, values: Container[str]) -> bool:
        """Whether the "free" behind a value is said of what a shop gives: "leather free delivery",
        but not "lactose free delivery"."""
        if last == len(self._found) or self._found[last].key != FREE:
            return False
        keys = [word.key for word in self._found]
        value = " ".join(keys[first:last])
        if value in LABELS or value not in values or negation(keys, first) < first:
            return False
        return is_given(form, self._found, keys, last)

    def _is_in_title(self, found: Exclusion, title: Tag) -> bool:
        """Whether a title says more than what it negates, as the "no logo" of a shirt does not."""
        if not title.start <= found.start < title.end:
            return False
        first, last = self._words(title)
        return sum(not meets(word, [_place(found)]) for word in self._found[first:last]) > 1

    def _exclusion(self, first: int, last: int, form: str) -> Exclusion:
        start, end = self._found[first].start, self._found[last - 1].end
        return Exclusion(form[start:end], start, end)

    def _excluded(self, least: float) -> frozenset[int]:
        """Words that are tagged as not wanted, without what negates them."""
        spans = [range(*self._words(tag)) for tag in self._of("excluded", least)]
        return frozenset(n for n in chain(*spans) if self._found[n].key not in _NEGATIONS)

    def attributes(
        self,
        listed: Sequence[Attribute],
        lists: Attributes,
        blocked: Sequence[tuple[int, int]],
        form: str,
        is_term: Callable[[str], bool],
        is_ordinary: Callable[[str], bool],
    ) -> list[Attribute]:
        """Those of the lists, without what the tags contradict and with what they add; in order.

        Args:
            blocked: start and end of what says nothing of the thing that is wanted.
            is_term: whether a key is one of a term.
            is_ordinary: whether a word is one of the language.
        """
        kept = [a for a in listed if not self._is_elsewhere(a, lists, is_term)]
        for model, chance in self._models(kept, blocked):
            words = model.value.split(" ")
            plain = chance < PLAIN_MODEL and all(map(is_ordinary, words))
            # "cold therapy" is a thing, "x570" may be both
            if DIGIT.search(model.value) or not (plain or is_term(model.value)):
                kept.append(model)
        for tag in self._tags:
            sure = tag.name in SET_ASIDE and tag.probability >= VALUE
            if sure and not meets(tag, [*blocked, *map(_place, kept)]):
                first, last = self._words(tag)
                behind = self._found[first + 1 : last + 1]
                # "leather conditioner" is of no leather
                if not any(lists.belonging.hides(tag.name, word.key) for word in behind):
                    kept += lists.worded(form, self._found[first:last], tag.name)
        return sorted(kept, key=_place)

    def _of(self, name: str, least: float) -> list[Tag]:
        return [tag for tag in self._named.get(name, ()) if tag.probability >= least]

    def _words(self, span: Tag | Exclusion) -> tuple[int, int]:
        """The first and one past the last of the words that a span covers."""
        if (known := self._covered.get(span)) is None:
            known = self._covered[span] = covered(self._found, span.start, span.end)
        return known

    def _key(self, span: Tag | Attribute) -> str:
        first, last = self._words(span)
        return " ".join(word.key for word in self._found[first:last])

    def _is_elsewhere(
        self, found: Attribute, lists: Attributes, is_term: Callable[[str], bool]
    ) -> bool:
        """Whether what would describe the thing belongs to a name, of a film or of the thing."""
        if found.name not in DESCRIBE:
            return False
        spans = self._of("content", CONTENT)
        if found.name in ("gender", "age", "color"):
            spans += self._of("brand", BRAND)  # "baby blues hair vitamins"
        if found.name == "color":
            spans += self._of("product", PRODUCT)
            if lists.may_be_a_scent(self._key(found)):
                likely = [t for t in self._tags if t.probability >= NO_COLOR]
                spans += [t for t in likely if t.name not in ("color", "product")]
                # "cream cheese", but not "cream sofa"
                spans += [t for t in likely if t.name == "product" and is_term(self._key(t))]
        return any(span.start <= found.start and found.end <= span.end for span in spans)

    def _models(
        self, kept: Sequence[Attribute], blocked: Sequence[tuple[int, int]]
    ) -> list[tuple[Attribute, float]]:
        """What may be a model, each with the probability of its tag."""
        ends = {a.end for a in kept if a.name == "brand"}
        others = [*blocked, *map(_place, kept)]
        models = []
        for tag in self._of("model", MODEL):
            first, last = self._words(tag)
            words = [word for word in self._found[first:last] if word.key not in AGAINST]
            own = [*takewhile(lambda word: not meets(word, others), words)]
            value = " ".join(word.key for word in own)
            if first and self._found[first - 1].end in ends and len(value) > 1:
                model = Attribute("model", value, own[0].start, own[-1].end)
                models.append((model, tag.probability))
        return models


def _runs(chosen: Iterable[int], found: Sequence[Word], form: str) -> list[tuple[int, int]]:
    """First and one past the last of words that stand together, with nothing else between."""
    runs: list[tuple[int, int]] = []
    for n in sorted(chosen):
        if runs and runs[-1][1] == n and form[found[n - 1].end : found[n].start] in (" ", "-"):
            runs[-1] = runs[-1][0], n + 1
        else:
            runs.append((n, n + 1))
    return runs


def is_near(word: str, is_known: Callable[[str], bool]) -> bool:
    """Whether a letter more, less or other, or two swapped, make a known word of it."""
    halves = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    less = (a + b[1:] for a, b in halves if b)
    swapped = (a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1)
    other = (a + c + b[1:] for a, b in halves if b for c in ascii_lowercase)
    more = (a + c + b for a, b in halves for c in ascii_lowercase)
    return any(map(is_known, chain(less, swapped, other, more)))


_place = attrgetter("start", "end")
