"""Models in a query: "iphone 7", "galaxy s22 ultra", "ipad pro 12.9", "honda civic", "dhp482".

The number of a model is no amount and no size, nor is the number of "omega 3" or "type 2".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from worker.lexicon.brands import Brand
from worker.lexicon.head_words import AGAINST, NAMED_TOGETHER
from worker.lexicon.line_source import is_line
from worker.lexicon.words import DIGIT, Phrases, Word, key, meets, word_set

MOST_WORDS = 4  # of a maker's line
_UNITS = r"(?!(?:gb|tb|mb|mm|cm|in|ft|oz|lb|kg|ml|pk|pc|ct)$)"
_NUMBER = re.compile(rf"(?!\d0s$)[a-z]{{0,2}}\d{{1,4}}{_UNITS}[a-z]{{0,2}}|[ivx]{{1,4}}|x[rs]|se")
# Letters and digits that nothing but a product code mixes so: "dhp482", "gbx2", "wh1000xm4".
_CODE = re.compile(
    r"(?=.*\d)(?=(?:.*[a-z]){2})[a-z]+\d[a-z0-9]{2,}|[a-z]{2,}\d{3,}[a-z0-9]*"
    r"|\d{2}(?!pc|ct|pk|kt)[a-z]{2}\d{2,4}[a-z]{1,3}"  # "24mp60vq"
)
_NO_CODE = re.compile(
    r"(?:mp|usb|ddr|hdmi|cat|nvme|pcie|vitamin)\d+|b0[a-z0-9]{8}|\d+(?![a-z]{2}\d).*|[a-z]+\d{2}s|w\d\dl\d\d"
)
# Right behind a brand: "samsung a54", "dyson v11", "canon t8i"; letters of paper, vitamins, waists,
# lamps, threads, tyres and processors are left out.
_BEHIND_BRAND = re.compile(r"(?!a(?:19|2[13])$|r7s)(?:[acfjsuvyz]\d{2,3}|[sj]\d|[a-z]\d{1,2}[a-z])")
# "yoga c940", "yoga 7i", "envy 6000", but not the year of a car
_BEHIND_LINE = re.compile(r"[a-z]{1,2}\d{1,4}[a-z]{0,2}|\d{1,2}i|(?!19\d\d|20\d\d)\d{3,4}")
_WATCH_SIZE = re.compile(r"(?:3[89]|4\d)m?")
_MORE = re.compile(r"(?<=\d)\.\d(?![\w.])|\+(?!\w)")  # of a number: "12.9", "s10+"
_LETTERED = frozenset({"x", "xr", "xs", "se"})  # models without a digit: "iphone xr"
_CHOOSING = AGAINST | {"or", "/"}  # another of the same line follows
_LETTERS_AND_NUMBER = re.compile(r"([a-z]*)(\d{1,2})[aceisx]?")  # no "20w" and no "8gb"
_FARTHEST = 6  # of two numbers of a line that are named together
# Before these a number is no model's: "iphone 8 and 10 ft cable", "kindle 2 pack".
_COUNTS = word_set(
    "ft foot feet inch inches meter meters pack packs pk pc pcs piece pieces pair pairs count ct"
    " set player players person port ports sheet sheets shots hour hours hr min mins minute"
    " minutes day days week weeks month months year years yr yrs"
)
_UNITS_BEHIND = _COUNTS | word_set(
    "in m cm mm x gb tb mb w watt watts v volt volts amp mah hz mp k"
)
_OF_INK = word_set("ink inks toner toners cartridge cartridges")
_INK_NUMBER = re.compile(r"\d{2,4}(?:xl)?")  # of a printer's ink: "hp 302 black ink"
_BETWEEN = frozenset({"gen", "series", "mark", "mk", "model", "generation", "no", "number"})


def _is_of_ink(found: Sequence[Word], at: int) -> bool:
    """Whether a number tells which ink is meant."""
    if at == len(found) or not _INK_NUMBER.fullmatch(found[at].key):
        return False
    behind = [word.key for word in found[at + 1 : at + 4]]
    return not _OF_INK.isdisjoint(behind) and behind[0] not in _UNITS_BEHIND


class Model(NamedTuple):
    """A model in a query, or what is like one but none: then `name` is ""."""

    name: str
    value: str
    start: int
    end: int


class Models:
    """Finds models; never changes, so any thread may search.

    Args:
        tables: `lines`, `whole`, `suffixes` and `others`, as `attributes.toml` has them.
        makers: lines of makers, `of` and `alone`, as `read_lines` gives them.

    Attributes:
        signs: in a text without a digit a model is looked for only where one of these words stands.
    """

    def __init__(
        self, tables: Mapping[str, Sequence[str]], makers: Mapping[str, Any] | None = None
    ) -> None:
        makers = makers or {"of": {}, "alone": []}
        self._of: Mapping[str, str] = makers["of"]
        self._lines = frozenset(tables.get("lines", ()))
        self._suffixes = frozenset(tables.get("suffixes", ()))
        self._others = frozenset(tables.get("others", ()))
        self._whole = frozenset((*tables.get("whole", ()), *makers["alone"]))
        self._phrases = Phrases(self._lines | self._others | self._whole)
        self.signs = _LETTERED | {name.split(" ")[0] for name in self._whole}

    def of_makers(self, form: str, found: Sequence[Word], brands: Iterable[Brand]) -> list[Model]:
        """The lines that stand right behind their makers, with what follows them: the "civic" of
        "honda civic", the "yoga c940" of "lenovo yoga c940"; and the "302" of "hp 302 ink"."""
        models = []
        for brand in brands:
            lines, first = self._of.get(key(brand.name.lower()), ""), brand.last
            if _is_of_ink(found, first):
                models.append(self._model(form, found, first, first + 1, True))
                continue
            for last in range(min(first + MOST_WORDS, len(found)), first, -1) if lines else ():
                if is_line(" ".join([word.key for word in found[first:last]]), lines):
                    last += self._is_number_behind(form, found, last)
                    last = self._past_suffixes(found, last)
                    models.append(self._model(form, found, first, last, True))
                    break
        return models

    def find(
        self,
        form: str,
        found: Sequence[Word],
        brands: Iterable[Brand] = (),
        of_makers: Iterable[Model] = (),
    ) -> list[Model]:
        """The models in a normal form, and what is like them, in order; of those that overlap
        the first, or the longest that begins there.

        Args:
            found: its words.
            brands: in it.
            of_makers: what the method of this name found.
        """
        models = list(of_makers)
        starts = {model.start for model in models}
        for i, j, name in self._phrases.find(found):
            if j < len(found) and found[j].start in starts:
                continue  # "hp 302 ink"
            end = j if name[-1].isdigit() else self._end(form, found, j)
            if name in self._lines and end > j and _is_count(found, end):
                end = j
            if name in self._others and _MORE.match(form, found[end - 1].end):
                continue  # "room 17.7 by 23.6 inches"
            if end > j and (name in self._lines or found[j].key[0].isdigit() or " " in name):
                sized = name.endswith("watch") and _WATCH_SIZE.fullmatch(found[end - 1].key)
                named = name in self._lines and not sized
                models.append(self._model(form, found, i, end, named))
            elif name in self._whole:
                models.append(self._model(form, found, i, self._past_suffixes(found, j), True))
        for i, word in enumerate(found):
            if word.key.isalpha():  # a code has a digit
                continue
            if _CODE.fullmatch(word.key) and not _NO_CODE.fullmatch(word.key):
                models.append(self._model(form, found, i, i + 1, True))
        for i in [brand.last for brand in brands]:
            if i < len(found) and _BEHIND_BRAND.fullmatch(found[i].key):
                models.append(self._model(form, found, i, self._past_suffixes(found, i + 1), True))
        if len(models) < 2:
            return models
        models.sort(key=lambda model: (model.start, -model.end))
        return [m for n, m in enumerate(models) if not any(m.start < o.end for o in models[:n])]

    def with_others(
        self, form: str, found: Sequence[Word], models: Sequence[Model]
    ) -> Iterator[Model]:
        """The models, each with those that only a number names behind it: the "iphone 15" of
        "iphone 14 vs 15"."""
        places = [(model.start, model.end) for model in models]
        for model in models:
            yield model
            if model.name and DIGIT.search(model.value):
                others = self._named_with(form, found, model)
                yield from (other for other in others if not meets(other, places))

    def _named_with(self, form: str, found: Sequence[Word], model: Model) -> Iterator[Model]:
        at = next((n for n, word in enumerate(found) if word.start >= model.end), len(found))
        line = model.value.split(" ")
        while not DIGIT.search(line[-1]):  # "iphone 14 pro"
            line.pop()
        one = _LETTERS_AND_NUMBER.fullmatch(line[-1])
        while one and 0 < at < len(found):
            by = form[found[at - 1].end : found[at].start].strip()
            if by in ("", ",") and found[at].key in NAMED_TOGETHER:
                by, at = found[at].key, at + 1
            other = _LETTERS_AND_NUMBER.fullmatch(found[at].key) if at < len(found) else None
            if not other or other[1] != one[1] or abs(int(one[2]) - int(other[2])) > _FARTHEST:
                return
            last = self._past_suffixes(found, at + 1)
            behind = found[last].key if last < len(found) else ""
            if behind in _UNITS_BEHIND or not _is_choice(by, one, other, behind):
                return
            value = " ".join([*line[:-1], *(word.key for word in found[at:last])])
            yield Model(model.name, value, found[at].start, found[last - 1].end)
            at = last

    def _end(self, form: str, found: Sequence[Word], j: int) -> int:
        """One past the last word of the number behind a line's name; `j` where there is none."""
        last = j
        if last < len(found) and found[last].key in _BETWEEN:
            last += 1
        while last < len(found) and self._is_suffix(found[last].key):  # "xbox series"
            last += 1
        if last < len(found) and _NUMBER.fullmatch(found[last].key):
            return j if _apart(form, found, last) else self._past_suffixes(found, last + 1)
        return j

    def _is_number_behind(self, form: str, found: Sequence[Word], at: int) -> bool:
        """Whether a word belongs to the line of a maker before it: the "c940" of "yoga c940", but
        not the "v10" of "v8 v10"."""
        if at == len(found) or not _BEHIND_LINE.fullmatch(found[at].key):
            return False
        pair = [_LETTERS_AND_NUMBER.fullmatch(word.key) for word in found[at - 1 : at + 1]]
        return not (_apart(form, found, at) or (all(pair) and pair[0][1] == pair[1][1]))

    def _past_suffixes(self, found: Sequence[Word], at: int) -> int:
        """One past the suffixes that begin at a word."""
        while at < len(found) and found[at].key in self._suffixes:
            at += 1
        return at

    def _is_suffix(self, key: str) -> bool:
        """Whether it may stand before the number and is none itself, as the "x" of "iphone x"."""
        return key in self._suffixes and not _NUMBER.fullmatch(key)

    def _model(self, form: str, found: Sequence[Word], i: int, j: int, named: bool) -> Model:
        value, end = " ".join(word.key for word in found[i:j]), found[j - 1].end
        if more := _MORE.match(form, end):
            value, end = value + more[0], more.end()
        return Model("model" if named else "", value, found[i].start, end)


def _apart(form: str, found: Sequence[Word], at: int) -> bool:
    """Whether a comma stands before a word: "iphone, 14 day return"."""
    return "," in form[found[at - 1].end : found[at].start]


def _is_count(found: Sequence[Word], end: int) -> bool:
    """Whether a number is one of things or of a unit: "airpods 2 pack"."""
    return end < len(found) and found[end - 1].key.isdigit() and found[end].key in _COUNTS


def _is_choice(by: str, one: re.Match[str], other: re.Match[str], behind: str) -> bool:
    """Whether a number behind a model names another, by what stands between and behind them: it may
    count what follows, as in "kindle 10 and 5 books", unlike "iphone 7 and 8 cases"."""
    if by in ("and", ","):
        return bool(other[1]) or int(other[2]) >= int(one[2]) or not behind.endswith("s")
    return by in _CHOOSING or (not by and bool(other[1]))  # "galaxy s8 s9"


class _Named(Protocol):
    """A brand, or what is on things of many brands, in a query."""

    name: str
    value: str
    start: int
    end: int


def behind_brand(model: Model, brands: Iterable[_Named], form: str) -> Model | None:
    """A model whose line is a brand's name, as what stands behind that: the "series x" of "xbox
    series x", and the "airpods 3" of that, whose brand is called otherwise. So is the brand of
    "echo dot", of which the last word is the model's. None where nothing is left of it."""
    brand = next((b for b in brands if b.start <= model.start < b.end), None)
    if brand is None:
        return model
    end = brand.end
    if end >= model.end:
        end = form.find(" ", model.start, model.end)
        if end < 0 or not model.name or brand.name != "brand" or brand.value == model.value:
            return None
    rest = form[end : model.end].lstrip(" -")
    value = model.value.removeprefix(f"{brand.value} ")
    return model._replace(value=value, start=model.end - len(rest))


def end_before(brand: _Named, models: Iterable[Model]) -> int:
    """The end of a brand without what is a model in its name."""
    return next((m.start - 1 for m in models if brand.start < m.start < brand.end), brand.end)
