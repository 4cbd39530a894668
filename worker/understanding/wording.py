"""How an expansion reads: the query, with the other name of what it asks for in its place.

Brand, size, colour and the rest of the query stay, so that nothing is found that lacks them. What
is no property of the thing goes: prices, talk, and exclusions with the words that negate, since a
search engine would find what is excluded by its name ("without laces"); the event's `exclusions`
say it instead. A query for what shops label so, "gluten free", has no other wording: with the words
it would find what is excluded, without them mostly that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from worker.lexicon.brands import NAMES
from worker.lexicon.head_words import ABROAD
from worker.lexicon.negations import (
    FILLERS,
    FREE,
    JOINED,
    LABELS,
    NEGATING,
    is_given,
    negation,
    negation_behind,
)
from worker.lexicon.other_words import OtherWords
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.terms import NO_TERM
from worker.lexicon.words import Word, covered, meets, stem, word_set

# Lead to what is excluded, beside what negates it: "made", "and", "no" in "no not leather".
_LEADING = FILLERS | JOINED | NEGATING
_OF_EXCLUSION = frozenset({FREE, "added"})  # behind it: "no sugar added"
# What shoppers say around a thing, and says nothing of it.
_TALK = word_set("""
    i we you im id am is are do does can could would should please thanks hi hello hey show me find
    buy get want wanted need needed looking look search shop shopping order sell some any my our
    cheap cheapest best good great nice online sale deal deals price prices offer offers something
    anything where what which have there a an the that this these will only
""")
_TALK_BEHIND = _TALK - {"can"}  # "paint can"
# What leads to a price.
_TO_PRICES = word_set("""
    around about approximately approx near nearly roughly circa priced costing costs worth at for
""")
_MARKS = re.compile("[-/.'&+%]| [-/&+] |")
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
_SIGN = re.compile(r"(?:^|(?<=\s))[+-]$")  # before a number: glasses of "+2.5"
_MORE = re.compile(r'"|[%+](?=[\s,;)]|$)')  # behind one: "0%", nappies of "5+", 3/4"
_SIZES = word_set("big little older younger")  # before "kids", "girls"
_WHOSE = word_set("my our your his her their the")  # "my kids broke the chair"
_DANGLING = word_set("and or but with for in of on that which is are by at to from")
_DANGLING_ABROAD = word_set("für fuer avec voor")


def in_place(read: Reading, mention: Mention, text: str) -> str:
    """The query with `text` in the place of a mention; "" if it says nothing new.

    Args:
        read: the query.
        mention: what it asks for, or the word in it that says for whom.
        text: another name of the same.
    """
    first = next(n for n, word in enumerate(read.words) if word.start >= mention.start)
    last = next(n for n, word in enumerate(read.words) if word.end >= mention.end)
    others = [x for x in read.exclusions if not meets(mention, [(x.start, x.end)])]
    if any(_is_label(read, exclusion.end) for exclusion in others):
        return ""
    gone = _gone(read)
    before = [word for word in read.words[:first] if word.start not in gone]
    behind = [word for word in read.words[last + 1 :] if word.start not in gone]
    new = text.split(" ")
    if _is_of_a_model(read, mention) and not set(mention.surface.split(" ")) <= {*new}:
        return ""
    own = {word.key for word in read.words[first : last + 1]}  # "dog bed and bed for cats"
    said = {word.key for word in (*before, *behind)} - own  # "led torch" behind "led"
    while len(new) > 1 and new[0] in said:  # the coffee mill of "grinder for coffee"
        new.pop(0)
    while behind and behind[0].key in new:
        behind.pop(0)
    brands = [(a.start, a.end) for a in read.attributes if a.name in NAMES]
    while before and _is_talk(read, before) and not meets(before[0], brands):  # "the north face"
        before.pop(0)
    while behind and (behind[-1].key in _TALK_BEHIND or _dangles(read, behind[-1].key)):
        behind.pop()
    stems = {stem(word) for word in new}
    if stems <= {stem(word.key) for word in read.words}:
        return ""
    if stem(new[-1]) in {stem(word.key) for word in (*before, *behind)} - set(map(stem, own)):
        return ""  # "sudoku book big print book"
    return " ".join(filter(None, (_text(read, before), " ".join(new), _text(read, behind))))


def _is_of_a_model(read: Reading, mention: Mention) -> bool:
    """Whether it is in a model's name, or in the brand right before one: other words make no name
    with the rest, as "earbuds 3" is none for "airpods 3"."""
    models = [a for a in read.attributes if a.name == "model"]
    if any(model.start <= mention.start and mention.end <= model.end for model in models):
        return True
    brands = [a for a in read.attributes if a.name == "brand"]
    return any(mention.end + 1 == model.start for model in models) and any(
        brand.start <= mention.start and mention.end <= brand.end for brand in brands
    )


def _is_talk(read: Reading, words: list[Word]) -> bool:
    """Whether the first of some words says nothing of the thing behind them."""
    first, *rest = words
    if read.form[first.end : first.end + 1] == "-":  # "hi-vis"
        return False
    if first.key == "i":  # not of "i tunes card"
        return bool(rest) and rest[0].key in _TALK
    if first.key == "like":  # "like to buy"
        return bool(rest) and rest[0].key == "to"
    return first.key in _TALK or first.key in _DANGLING


def _dangles(read: Reading, key: str) -> bool:
    """Whether a word says nothing where what it leads to is gone."""
    return key in _DANGLING or key in _DANGLING_ABROAD or (read.abroad and key in ABROAD)


def for_whom(read: Reading, heads: Iterable[Mention], persons: Mapping[str, str]) -> str:
    """The query with another word for whom the thing is for; "" where there is none, or it names
    several.

    Args:
        heads: the things that are asked for.
        persons: words before a thing, and behind "for" or a thing, each with another that says the
            same.
    """
    named = [a for a in read.attributes if a.name in ("gender", "age")]
    spans = [(a.start, a.end) for a in named]
    at = [n for n, w in enumerate(read.words) if w.key != "for" and meets(w, spans)]
    if len(named) != 1 or len(at) != 1:
        return ""
    [n] = at
    before, behind = (read.words[m].key if 0 <= m < len(read.words) else "" for m in (n - 1, n + 1))
    is_for = before == "for" and (not behind or behind in _DANGLING)
    if before in _SIZES or before in _WHOSE or (before in _DANGLING and not is_for):
        return ""  # "big kids" is a size; "for kids chair", "a chair for adults and kids"
    said, start, end = read.words[n]
    follows = is_for or any(head.end <= start for head in heads)  # "boots women"
    if behind in _DANGLING and not follows:
        return ""  # "women of the bible poster"
    other = persons.get(f"for {said}" if follows else said, "").removeprefix("for ")
    if not other:
        return ""
    return in_place(read, Mention(NO_TERM, said, start, end), other)


def reworded(read: Reading, words: OtherWords, categories: Iterable[str]) -> str:
    """The query with other words for what a thing is like; "" where there are none.

    Args:
        words: the lexicon's.
        categories: of the things that are asked for.
    """
    hits = list(words.find(read))
    if not hits:  # as of most queries
        return ""
    if not words.titled.isdisjoint(path.partition(" > ")[0] for path in categories):
        return ""  # "renewed strength book"
    said = [*read.attributes, *read.described]
    kept = [(a.start, a.end) for a in said if a.name in (*NAMES, "model")]
    sizes = [(a.start, a.end) for a in said if a.name == "size"]
    kept += sizes if len(sizes) > 1 else ()  # "xl and xxl shirts": both or none
    kept += [(x.start, x.end) for x in read.exclusions]
    kept += [(m.start, m.end) for m in read.mentions if " " in m.surface]
    for start, end, other in hits:
        part = Mention(NO_TERM, read.form[start:end], start, end)
        if not meets(part, kept) and (text := in_place(read, part, other)):
            return text
    return ""


def _text(read: Reading, words: list[Word]) -> str:
    """Words, with the marks that stood between neighbours in the query."""
    parts: list[str] = []
    end = -1
    for word in words:
        if parts:
            between = read.form[end : word.start]
            kept = _MARKS.fullmatch(between) or _DECIMAL.match(read.form, end)
            parts.append(between if kept else " ")
        parts.append(read.form[word.start : word.end])
        end = word.end
        if parts[-1][0].isdigit() and (
            sign := _SIGN.search(read.form, max(word.start - 1, 0), word.start)
        ):
            parts[-1] = sign[0] + parts[-1]
        if parts[-1][-1].isdigit() and (more := _MORE.match(read.form, end)):
            parts[-1] += more[0]
    return "".join(parts)


def _gone(read: Reading) -> set[int]:
    """Where the words of prices and exclusions start."""
    prices = [(a.start, a.end) for a in read.attributes if a.name == "price"]
    if not (prices or read.exclusions):
        return set()
    keys = [word.key for word in read.words]
    gone = set()
    for start, end in prices:
        first, last = covered(read.words, start, end)
        while first and keys[first - 1] in _TO_PRICES:
            first -= 1
        gone |= {word.start for word in read.words[first:last]}
    ends = {word.end: n for n, word in enumerate(read.words)}
    for exclusion in read.exclusions:
        last = ends.get(exclusion.end)
        if last is None:
            continue  # part of a word: "sleeveless"
        behind = negation_behind(keys, last + 1)
        if behind < len(keys) and keys[behind] in _OF_EXCLUSION:
            behind += not (keys[behind] == FREE and is_given(read.form, read.words, keys, behind))
        n = next(n for n, word in enumerate(read.words) if word.end > exclusion.start)
        n = negation(keys, n) - 1
        while n >= 0 and keys[n] in _LEADING and not meets(read.words[n], read.kept_negations):
            n -= 1
        gone |= {word.start for word in read.words[n + 1 : behind]}
    return gone


def _is_label(read: Reading, end: int) -> bool:
    """Whether what is excluded, up to `end`, is said as shops print it: "gluten free", "zero
    sugar"."""
    return any(
        (one.end == end and one.key in LABELS and after.key == "free")
        or (after.end == end and after.key in LABELS and one.key == "zero")
        for one, after in pairwise(read.words)
    )
