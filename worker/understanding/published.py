"""Which attributes of a query are published: what the lists and the tags say, and the product.

That is what is tagged so, or else what the heads name, as the lexicon's term has it: the "torque
wrench". What the lexicon has before such a thing is a style of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from worker.lexicon.attributes import Attribute, once
from worker.lexicon.described import NAMES, PRODUCT, named_by
from worker.lexicon.head_words import EMPTY
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.words import Word, covered, meets
from worker.understanding.questions import compares

_LACKING = ("no ", "non ")

Spans = Sequence[tuple[int, int]]  # start and end of each


def published(
    read: Reading,
    heads: Sequence[Mention],
    sharing: Sequence[Mention],
    term_of: Callable[[str], int | None],
) -> list[Attribute]:
    """The attributes of a query, in its order.

    Args:
        heads: the terms in it that name what is asked for.
        sharing: those that share the end of a head: the "dog" of "dog and cat food".
        term_of: the term of a key, None where there is none.
    """
    said = [*read.attributes, *read.described]
    if read.kept_negations and (said or read.mentions):
        said = _with_properties(read, said)
    compared = compares(read.words)
    if compared or not any(attribute.name == PRODUCT for attribute in said):
        asked = _compared(read) if compared else heads
        said += _named(read, asked, _places(read, said))
    for product in [attribute for attribute in said if attribute.name == PRODUCT]:
        said.remove(product)
        known = _places(read, said)
        whole = _as_asked_for(product, read, heads) or _with_term(product, read, known)
        known.append((whole.start, whole.end))
        said += [whole, *_beside(whole, read.words, known, lambda k: term_of(k) is not None)]
    for other in sharing:
        known = [(a.start, a.end) for a in said if a.name != PRODUCT]
        said = [a if meets(other, known) else _from(other, a, read.form) for a in said]
    return once(sorted(said, key=attrgetter("start")))


def _places(read: Reading, said: Sequence[Attribute]) -> list[tuple[int, int]]:
    """Start and end of what is said, and of what is excluded."""
    return [(item.start, item.end) for item in (*said, *read.exclusions)]


def _compared(read: Reading) -> list[Mention]:
    """The terms that a comparison names, without what they are for."""
    end = next((word.start for word in read.words if word.key == "for"), len(read.form))
    return [mention for mention in read.mentions if mention.start < end]


def _named(read: Reading, asked: Sequence[Mention], known: Spans) -> Iterator[Attribute]:
    """The products that the terms name that are asked for."""
    for mention, (first, last, _) in zip(read.mentions, read.places, strict=True):
        product = mention in asked and named_by(PRODUCT, read.words[first:last], known)
        if product:
            yield product


def _as_asked_for(product: Attribute, read: Reading, heads: Sequence[Mention]) -> Attribute | None:
    """A product as the head that it is part of; None where lists or names say what else is in it.

    The tags often make a style or a use of a part: "rolling pin", "remote control car".
    """
    for head in heads:
        if head.start <= product.start and product.end <= head.end:
            around = [(head.start, product.start), (product.end, head.end)]
            names = [a for a in read.described if a.name in NAMES]
            if any(meets(item, around) for item in (*read.attributes, *names, *read.exclusions)):
                return None
            first, last = covered(read.words, head.start, head.end)
            return named_by(PRODUCT, read.words[first:last], ())
    return None


def _with_term(product: Attribute, read: Reading, known: Spans) -> Attribute:
    """A product with the words before it in a term that it ends, or goes on: "artificial flowers",
    "truck tool box chest"."""
    for first, last, _ in read.places:
        words = read.words[first:last]
        if words[0].start < product.start < words[-1].end <= product.end:
            if meets(words[0], known):  # "sulfate free conditioner"
                break
            behind = covered(read.words, product.start, product.end)[1]
            return named_by(PRODUCT, read.words[first:behind], known) or product
    return product


def _beside(
    product: Attribute,
    found: Sequence[Word],
    known: Spans,
    is_term: Callable[[str], bool],
) -> Iterator[Attribute]:
    """Words behind a product, and before it, that the lexicon has before such a thing: the "midi"
    of "dress midi", the "solar" of "solar deck lights"."""
    first, last = covered(found, product.start, product.end)
    for at, next_to_it in ((last, last + 1), (first - 1, first - 2)):
        near: list[int] = []
        for n in (at, next_to_it):
            if not 0 <= n < len(found) or found[n].key in EMPTY or meets(found[n], known):
                break
            near.append(n)
        while near:
            words = found[min(near) : max(near) + 1]
            value = " ".join(word.key for word in words)
            names = {product.value, found[last - 1].key}
            if (
                len(value) > 1
                and not value.isdigit()
                and any(is_term(f"{value} {name}") for name in names)
            ):
                yield Attribute("style", value, words[0].start, words[-1].end)
                break
            near.pop()


def _with_properties(read: Reading, said: Sequence[Attribute]) -> list[Attribute]:
    """What is said, with what names a property in two words of which neither does alone, whether it
    is tagged or not: "no drill", "dishwasher safe"; but not "not dishwasher safe"."""
    styles = [
        Attribute("style", value, start, end)
        for start, end in read.kept_negations
        if (value := read.form[start:end].replace("-", " ")).count(" ") == 1
        and (value.startswith(_LACKING) or value.endswith(" safe"))
    ]
    inside = [a for a in said if any(s.start <= a.start and a.end <= s.end for s in styles)]
    others = [a for a in said if a not in inside or a.name not in ("style", "use")]
    known = _places(read, others)
    return [*others, *(style for style in styles if not meets(style, known))]


def _from(other: Mention, attribute: Attribute, form: str) -> Attribute:
    """A product with a mention that begins before it."""
    if attribute.name != PRODUCT or attribute.start <= other.start:
        return attribute
    value = form[other.start : attribute.end]
    return replace(attribute, value=value, start=other.start)
