"""Models in a query: "iphone 7", "galaxy s22 ultra", "ipad pro 12.9", "honda civic", "dhp482".

The number of a model is no amount and no size, nor is the number of "omega 3" or "type 2".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from worker.lexicon.brands import Brand
from worker.lexicon.words import Phrases, Word, key

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
_MORE = re.compile(r"(?<=\d)\.\d(?![\w.])|\+(?!\w)")  # of a number: "12.9", "s10+"
_LETTERED = frozenset({"x", "xr", "xs", "se"})  # models without a digit: "iphone xr"
_BETWEEN = frozenset({"gen", "series", "mark", "mk", "model", "generation", "no", "number"})


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
        makers: keys of the lines of each maker, `of`, and of those that need none, `alone`.

    Attributes:
        signs: in a text without a digit a model is looked for only where one of these words stands.
    """

    def __init__(
        self, tables: Mapping[str, Sequence[str]], makers: Mapping[str, Any] | None = None
    ) -> None:
        makers = makers or {"of": {}, "alone": []}
        self._of = {maker: frozenset(lines) for maker, lines in makers["of"].items()}
        self._lines = frozenset(tables.get("lines", ()))
        self._suffixes = frozenset(tables.get("suffixes", ()))
        self._others = frozenset(tables.get("others", ()))
        self._whole = frozenset((*tables.get("whole", ()), *makers["alone"]))
        self._phrases = Phrases(self._lines | self._others | self._whole)
        self.signs = _LETTERED | {name.split(" ")[0] for name in self._whole}

    def of_makers(self, form: str, found: Sequence[Word], brands: Iterable[Brand]) -> list[Model]:
        """The lines that stand right behind their makers, with what follows them: the "civic" of
        "honda civic", the "yoga c940" of "lenovo yoga c940"."""
        models = []
        for brand in brands:
            lines, first = self._of.get(key(brand.name.lower()), ()), brand.last
            for last in range(min(first + MOST_WORDS, len(found)), first, -1) if lines else ():
                if " ".join([word.key for word in found[first:last]]) in lines:
                    if last < len(found) and _BEHIND_LINE.fullmatch(found[last].key):
                        last += 1
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
        for i, j, name in self._phrases.find(found):
            end = j if name[-1].isdigit() else self._end(found, j)
            if name in self._others and _MORE.match(form, found[end - 1].end):
                continue  # "room 17.7 by 23.6 inches"
            if end > j and (name in self._lines or found[j].key[0].isdigit() or " " in name):
                models.append(self._model(form, found, i, end, name in self._lines))
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

    def _end(self, found: Sequence[Word], j: int) -> int:
        """One past the last word of the number behind a line's name; `j` where there is none."""
        last = j
        if last < len(found) and found[last].key in _BETWEEN:
            last += 1
        while last < len(found) and self._is_suffix(found[last].key):  # "xbox series"
            last += 1
        if last < len(found) and _NUMBER.fullmatch(found[last].key):
            return self._past_suffixes(found, last + 1)
        return j

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
