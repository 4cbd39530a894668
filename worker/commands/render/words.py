"""The words of a query without those that became filters and exclusions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from worker.lexicon.negations import DOES_NOT_HAVE, FILLERS, NEGATIONS, NEGATIONS_BEHIND, WITHOUT
from worker.lexicon.words import word_set


def _any_of(phrases: Iterable[Sequence[str]]) -> str:
    """A pattern for any of these, as queries spell them: "don't", "w/o"."""
    spelt = (r"[\s/]+".join(re.sub("nt$", "n['’]?t", word) for word in words) for words in phrases)
    return f"(?:{'|'.join(sorted(spelt))})"


_NEGATION = re.compile(
    r"(?:(?<!\w)(?:(?:i|we|it|that|which|that['’]?s|is|are|but|and)\s+)*"
    rf"{_any_of({*NEGATIONS, ('zero',)})}\.?[\s-]+"
    rf"(?:(?:{'|'.join(sorted(FILLERS))})\s+)*|(?<!\S)-)$"
)
_FREE = re.compile(r"[\s-]*free(?!\w)")
_BEHIND = re.compile(rf",?\s+{_any_of((*NEGATIONS_BEHIND, ('added',)))}(?!\w)")  # "no sugar added"
_SAYS_LACK = re.compile(  # with those that other things have as well: "no nike", "free of nickel"
    rf"(?<!\w)(?:{_any_of(WITHOUT | DOES_NOT_HAVE)}(?!\w)|free|zero|non?[\s-]"
    r"|not (?:made )?(?:from|of|with) )"
)
_LESS_SUFFIX = re.compile(r"less(?!\w)")
_JOINED = re.compile(r"[\s,;&/]*(?:(?:and|or|nor)[\s,]+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_WORD = re.compile(r"[^\s-]+")
_A_WORD = re.compile(r"\w")
_COMMAS = " ,;"
_EDGES = " \t,;&-"
# What leads to a price or follows one.
_PRICED = re.compile(
    r"(?:^|\s)(?:(?:in |whose )?(?:the )?(?:prices?|priced|pricing|costs?|costing)"
    r"(?: range| ranging| point)?|ranging|around|about|roughly|approx(?:imately|\.)?|circa|ca\.?"
    r"|near(?:ly)?|between|budget|is|for|at|from|of)$"
)
_TO_CONDITION = re.compile(r"(?<!\S)(?:used )?in (?:an? )?$")  # "used in good condition"
_OR_SO = re.compile(r"^or so(?!\S)")
_POLITE = word_set("please pls plz thanks thx")
# What joins or leads to words that are cut; "plug in" and "slip on" are names before others than
# values.
_FUNCTION = word_set("and or but nor neither either vs versus & + / with for by from of to at")
_BEFORE_VALUES = _FUNCTION | word_set("in the a an color colour")
_OF_VALUES = word_set(
    "color colors colour colours colored coloured finish print pattern shape shaped"
)
_TONE = re.compile("[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")  # of the emoji before it
PRICE, VALUE, OTHER = "price", "value", ""  # what is cut
ALIKE = 0.75  # of the letters: "grey" and "gray", "addidas" and "adidas"


class Span(NamedTuple):
    """Characters [start, end) of the normalized query.

    Attributes:
        kind: what they are: PRICE, the VALUE of a filter, or OTHER.
    """

    start: int
    end: int
    kind: str = OTHER


class Negation(NamedTuple):
    """What a query excludes, with the words that negate it.

    Attributes:
        span: what to take out of the text; None of a word in -less, which documents have as well.
        lacks: whether it is an ingredient or a part: "without", "no", "non", "not from", "-free",
            "-less". Documents that lack it name it so, where "not nike" is on no label.
    """

    span: Span | None
    lacks: bool


class _Piece(NamedTuple):
    """Words between two cuts.

    Attributes:
        before, behind: the kind of the cut; None at an end of the query.
    """

    words: list[str]
    before: str | None
    behind: str | None


class Left(NamedTuple):
    """What is left of a query.

    Attributes:
        text: the words to search for.
        dropped: words that say nothing without those that were cut, such as "around".
    """

    text: str
    dropped: tuple[str, ...] = ()


def negations(form: str, excluded: Sequence[Span]) -> list[Negation]:
    """One for each span of the normalized query, in order."""
    found: list[Negation] = []
    last, first_of_list, lacks, negated = None, 0, False, False
    for start, end, _ in excluded:
        if _LESS_SUFFIX.match(form, end):
            found.append(Negation(None, True))
            continue
        before, free = _NEGATION.search(form[:start]), _FREE.match(form, end)
        first = before.start() if before else start
        joined = last is not None and _JOINED.fullmatch(form, last, first)
        first = last if joined else first
        if before or not joined:
            first_of_list, lacks, negated = len(found), False, before is not None
        if free and not negated:  # the gluten of "gluten and dairy free"
            found[first_of_list:] = [one._replace(lacks=True) for one in found[first_of_list:]]
        lacks = lacks or bool(free) or bool(before and _SAYS_LACK.search(before.group()))
        behind = free or _BEHIND.match(form, end)
        last = behind.end() if behind else end
        found.append(Negation(Span(first, last), lacks))
    return found


def with_lead(form: str, span: Span) -> Span:
    """The words for a condition with those that only lead to them: "in good condition"."""
    lead = _TO_CONDITION.search(form, 0, span.start)
    return span._replace(start=lead.start()) if lead else span


def said_by(value: str, form: str, span: Span) -> Iterator[Span]:
    """The words of a span that an attribute's value says, however they are inflected or spelt:
    of "wine red" what is red, of "airpods" nothing that "apple" says."""
    words = [_letters(word) for word in _WORD.findall(value)]
    if "".join(words) == _letters(form[span.start : span.end]):
        yield span
        return
    found = [(m.span(), _letters(m.group())) for m in _WORD.finditer(form, span.start, span.end)]
    said = [place for place, own in found if any(_alike(own, word) for word in words)]
    if said:  # "floral print", but not "tangerine colored" of what is orange
        said += [place for place, own in found if own in _OF_VALUES]
    yield from (Span(*place, span.kind) for place in said)


def left(
    form: str, corrected: str | None, cut: Iterable[Span], names: Collection[str] = ()
) -> Left:
    """The normalized query as it is corrected, without these characters of it, and without what
    only leads to them or joins them: "around $20", "red or black", "not nike please".

    Args:
        names: texts that stay whole, as "fisher price" does before a price.
    """
    pieces = _pieces(form, corrected, sorted(cut))
    if len(pieces) == 1 and not _A_WORD.search(_words(form)):
        return Left(_spaced(form).strip(_EDGES))  # signs alone are asked for as they are
    kept = [piece.words for piece in pieces]
    for i, piece in enumerate(pieces):
        before, after = any(kept[:i]), next(filter(None, kept[i + 1 :]), [""])[0]
        kept[i] = _without_edges(piece, before, after, names)
    words = [word for own in kept for word in own]
    text = " ".join(words).strip(_EDGES)
    dropped = [word for piece in pieces for word in piece.words if word not in words]
    return Left(text if _A_WORD.search(text) else "", tuple(dict.fromkeys(dropped)))


def without(text: str, cut: Sequence[str]) -> str:
    """A text without these words, where it has them."""
    for words in filter(None, cut):
        text = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", text)
    return _words(text)


def without_control(text: str) -> str:
    """A space for each run of control characters, which Solr takes for a word."""
    return _CONTROL.sub(" ", text)


def _pieces(form: str, corrected: str | None, cuts: Sequence[Span]) -> list[_Piece]:
    edits = [(start, end, None, kind) for start, end, kind in cuts]
    for start, end, words in _corrections(form, corrected) if corrected else ():
        if all(end <= span.start or span.end <= start for span in cuts):
            edits.append((start, end, words, None))
    pieces, text, at, before = [], "", 0, None
    for start, end, words, kind in sorted(edits, key=lambda edit: edit[:2]):
        if end <= at:
            continue
        text += form[at:start]
        if kind is None:
            text += words
        else:
            pieces.append(_Piece(_words(text).split(), before, kind))
            text, before = "", kind
        at = end
    return [*pieces, _Piece(_words(text + form[at:]).split(), before, None)]


def _without_edges(piece: _Piece, before: bool, after: str, names: Collection[str]) -> list[str]:
    """The words of a piece that say something without what is cut around it.

    Args:
        before: whether other words are left before it.
        after: the next word that is left, "" at the end.
    """
    text = " ".join(piece.words)
    if piece.behind is not None:
        text = text.rstrip(_COMMAS)
    if piece.before is not None:
        text = text.lstrip(_COMMAS)
    while piece.behind == PRICE and not _ends(text, names) and (match := _PRICED.search(text)):
        text = text[: match.start()]
    words = (_OR_SO.sub("", text) if piece.before == PRICE else text).split()
    inside = piece.before is not None and piece.behind is not None
    if inside and _BEFORE_VALUES.issuperset(words):
        return []
    first, last = 0, len(words)
    while piece.before is not None and first < last:
        if not (words[first] in _POLITE or (not before and words[first] in _FUNCTION)):
            break
        first += 1
    leading = _BEFORE_VALUES if piece.behind == VALUE else _FUNCTION
    alone = not after or after in _BEFORE_VALUES
    while piece.behind is not None and first < last and not _ends(" ".join(words[:last]), names):
        if not (words[last - 1] in _POLITE or (alone and words[last - 1] in leading)):
            break
        last -= 1
    return words[first:last]


def _ends(text: str, names: Collection[str]) -> bool:
    return any(text == name or text.endswith(f" {name}") for name in names)


def _words(text: str) -> str:
    """One space between words, and neither control characters nor symbols."""
    if not text.isascii():
        text = _TONE.sub("", text)
        text = "".join(" " if unicodedata.category(c) == "So" else c for c in text)
    return _spaced(text)


def _spaced(text: str) -> str:
    return " ".join(without_control(text).split())


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _alike(one: str, other: str) -> bool:
    short = min(len(one), len(other))
    if one == other or (short > 2 and (one.startswith(other) or other.startswith(one))):
        return True
    return short > 3 and SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def _corrections(form: str, corrected: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and new words for each run of words that the correction changes."""
    old, new = list(re.finditer(r"\S+", form)), corrected.split()
    matcher = SequenceMatcher(None, [word.group() for word in old], new, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag == "replace":
            yield old[first].start(), old[last - 1].end(), " ".join(new[new_first:new_last])
