"""What a query asks for: the terms in it that name the thing, or, where none does, its category.

A query without a term for its thing ("shun knife", "moen 5995") gets the category of what its brand
sells, of nearest terms that end with one of its words, or of most of the nearest.
Nearest terms also tell where the words of a name stand apart ("organizer desk"), or the thing is of
another department than it seems ("dog puzzle bowl").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from worker.lexicon.head_words import EMPTY, JOINED, LIKE
from worker.lexicon.heads import naming
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.profile import SPLITS
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.words import meets, stem

# Of evidence.NEAREST terms: how many tell, if they end as the query does, and if they do not.
FEWEST_ALIKE = 4
FEWEST, LEAST_SIMILARITY = 6, 0.7
FEWEST_SOLD = 3  # of them that tell which of the things that a brand sells is asked for
DOUBTFUL = 2  # of them in the department of a thing of one word, up to which others are heard
COMPARED = 5  # of them that are compared with the query word by word
SURE_THING = 0.75  # probability of a product that overrules the heads
NEAR = 0.75  # cosine of the first of them, from which they are


class QueryTarget(NamedTuple):
    """What a query asks for.

    Attributes:
        heads: the terms that name it.
        fallback_category: its category where no head tells surely, "" if nothing does.
        is_named: whether the query names it by a maker's line or a title.
    """

    heads: list[Mention]
    fallback_category: str
    is_named: bool = False


def query_target(
    lexicon: Lexicon, read: Reading, nearest: Sequence[int], similarity: float
) -> QueryTarget:
    """What a query asks for.

    Args:
        nearest: the terms whose vectors are nearest, best first.
        similarity: cosine of the first of them.
    """
    heads = _tagged_heads(read, lexicon.heads(read))
    if path := _title(lexicon, read, heads):
        return QueryTarget([], path, True)
    models = [(a.start, a.end) for a in read.attributes if a.name == "model"]
    if models and all(meets(head, models) for head in heads):
        path = lexicon.makers_lines.category(read)
        if path:
            return QueryTarget(heads, path, True)
    one_near = len(heads) == 1 and similarity >= NEAR
    if one_near and (path := _split_term_category(lexicon, read, heads[0], nearest[:COMPARED])):
        return QueryTarget([], path)
    if heads and not all(_is_doubtful(lexicon, head, nearest) for head in heads):
        return QueryTarget(heads, "")
    word, path = _alike(lexicon, read, nearest)
    if heads:
        ends = {lexicon.stemmed(head.surface).head for head in heads}
        return QueryTarget(heads, path if word in ends else "")
    confirmed = [mention for mention in read.mentions if _ends_with(lexicon, mention, word, path)]
    if confirmed:  # "lipstick crushed berry"
        return QueryTarget(confirmed[-1:], path)
    path = _sold(lexicon, read, nearest) or path
    return QueryTarget([], path or _common(lexicon, read, nearest, similarity))


def _tagged_heads(read: Reading, heads: list[Mention]) -> list[Mention]:
    """The heads, or where the tagging model surely takes something else for the thing that is asked
    for, the last term that is or ends with it: the "sheet masks" of "sheet masks spa hairband"."""
    things = [thing for thing in read.things if thing.probability >= SURE_THING]
    if not things or any(meets(head, things) for head in heads):
        return heads
    for thing in reversed(things):
        for mention in reversed(read.mentions):
            if mention.end == thing.end and mention.start <= thing.start:
                return [mention]
    return []


def _title(lexicon: Lexicon, read: Reading, heads: Sequence[Mention]) -> str:
    """The category of a title that stands before what it is for, as the game of "elden ring ps5";
    "" where there is none."""
    uses = [(a.start, a.end) for a in read.described if a.name == "use"]
    if not (uses and heads and all(meets(head, uses) for head in heads)):
        return ""
    if not any(a.name == "content" for a in read.attributes):
        return ""
    department = lexicon.category(heads[0].term_id).partition(" > ")[0]
    return next((path for path in lexicon.sold(read) if path.startswith(department)), "")


def _split_term_category(
    lexicon: Lexicon,
    read: Reading,
    head: Mention,
    nearest: Sequence[int],
) -> str:
    """The category of a near term of another department than the head's whose words stand in the
    query apart, the head's among them."""
    department, own = lexicon.department_number(head.term_id), lexicon.stemmed(head.surface)
    several = len(own.stems) > 1
    longer = [
        (term_id, words)
        for term_id in nearest
        if lexicon.department_number(term_id) != department
        and own.head in (words := lexicon.stems_of(term_id).stems - EMPTY - SPLITS)
        and len(words) > len(own.stems)
        and not (several and words - own.stems <= LIKE)  # "extra long curtain"
    ]
    if not longer or any(word.key in JOINED for word in read.words):
        return ""
    # The "light" of "light blue" is of no name, nor is what is not wanted.
    others = [(a.start, a.end) for a in read.attributes if a.name == "color"]
    others += [(x.start, x.end) for x in read.exclusions]
    said = {stem(word.key) for word in read.words if not meets(word, others)}
    fitting = (term_id for term_id, words in longer if words <= said)
    return next(map(lexicon.category, fitting), "")


def _is_doubtful(lexicon: Lexicon, head: Mention, nearest: Sequence[int]) -> bool:
    """Whether a head of one word may mean a thing of another department."""
    department = lexicon.department_number(head.term_id)
    agree = sum(lexicon.department_number(term_id) == department for term_id in nearest)
    return " " not in head.surface and agree <= DOUBTFUL


def _alike(lexicon: Lexicon, read: Reading, nearest: Sequence[int]) -> tuple[str, str]:
    """The word of the query that many of the nearest terms end with, and their category."""
    ends = [(lexicon.stems_of(term_id).head, lexicon.category(term_id)) for term_id in nearest]
    behind = ""
    for word in naming(read):
        paths = [path for end, path in ends if end == word]
        if len(paths) > 1:
            [(path, count)] = Counter(paths).most_common(1)
            enough = count >= FEWEST_ALIKE + lexicon.is_thing(behind)  # "mouse ears"
            return (word, path) if enough else ("", "")
        behind = word
    return "", ""


def _ends_with(lexicon: Lexicon, mention: Mention, word: str, path: str) -> bool:
    """Whether a mention ends with a word and has a category."""
    same = lexicon.category(mention.term_id) == path
    return same and lexicon.stemmed(mention.surface).head == word


def _sold(lexicon: Lexicon, read: Reading, nearest: Sequence[int]) -> str:
    """The category of what the query's brand sells; of several, the one that nearest terms have."""
    sold = lexicon.sold(read)
    if len(sold) < 2:
        return "".join(sold)
    paths = Counter(path for path in map(lexicon.category, nearest) if path in sold)
    [(path, count)] = paths.most_common(1) or [("", 0)]
    return path if count >= FEWEST_SOLD else ""


def _common(lexicon: Lexicon, read: Reading, nearest: Sequence[int], similarity: float) -> str:
    """The category of most of the nearest terms, if the query has the last word of one of them."""
    paths = Counter(map(lexicon.category, nearest))
    [(path, count)] = paths.most_common(1) or [("", 0)]
    if count < FEWEST or similarity < LEAST_SIMILARITY:
        return ""
    said = {stem(word.key) for word in read.words}
    ends = {lexicon.stems_of(i).head for i in nearest if lexicon.category(i) == path}
    return "" if said.isdisjoint(ends) else path
