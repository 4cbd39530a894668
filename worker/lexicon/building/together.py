"""Which terms stand in the titles of a catalogue, and which stand there together.

All titles are searched at once: a step of the search takes each place where a term may begin one
word further.
"""

from __future__ import annotations

import numpy as np

from triton_models.query_text import normal_form
from worker.lexicon.building.corpus import BREAK, Corpus
from worker.lexicon.building.counting import apart, counted, distinct, paired
from worker.lexicon.building.drafts import Drafts


class Together:
    """Terms by their position, and how many titles have them.

    Attributes:
        total: titles.
        titles: of each term, those that have it, or are in a category that is called so.
        pairs: first term, second term, and the titles of both: three arrays.
        categories: term, category, and the titles in it that have the term: three arrays.
        sold: brand, term, and the brand's titles that have the term: three arrays.
    """

    def __init__(self, corpus: Corpus, drafts: Drafts) -> None:
        self.total = len(corpus)
        number = {draft: n for n, draft in enumerate(drafts)}
        brand_of = np.frombuffer(corpus.brand_of, np.int32)
        category_of = np.frombuffer(corpus.category_of, np.int32)
        found = _found(corpus, _Tree(corpus, {f: number[d] for f, d in drafts.forms()}))
        docs, terms = apart(found)
        brands, categories = brand_of[docs], category_of[docs]
        self.sold = counted(paired(brands, terms)[brands >= 0])
        self.categories = counted(paired(terms, categories)[categories >= 0])
        leaves = [
            number[draft] if (draft := drafts.get(normal_form(path[-1]))) else -1
            for path in corpus.categories
        ]
        leaf = np.array([*leaves, -1])[category_of]
        named = np.flatnonzero(leaf >= 0)
        docs, terms = apart(distinct(np.concatenate([found, paired(named, leaf[named])])))
        self.titles: list[int] = np.bincount(terms, minlength=len(drafts)).tolist()
        self.pairs = counted(_pairs(docs, terms))


def _pairs(docs: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Each two terms of a title, as often as titles have them; both arrays are sorted by title."""
    found, step = [], 1
    at = np.arange(len(docs))
    while len(at := at[at + step < len(docs)]):
        at = at[docs[at] == docs[at + step]]
        found.append(paired(terms[at], terms[at + step]))
        step += 1
    return np.concatenate([*found, np.empty(0, np.int64)])


class _Tree:
    """Terms by the numbers of their words, one word after the other.

    Attributes:
        term: of each node, the term that ends there, or -1.
        keys, children: the node below another with a word, by both, in order.
    """

    def __init__(self, corpus: Corpus, forms: dict[str, int]) -> None:
        ids = {word: n for n, word in enumerate(corpus.words)}
        below: dict[tuple[int, int], int] = {}
        term = [BREAK]
        for form, number in forms.items():
            words = [ids.get(word) for word in form.split(" ")]
            if None in words:
                continue
            node = 0
            for word in words:
                if (child := below.get((node, word))) is None:
                    child = below[node, word] = len(term)
                    term.append(-1)
                node = child
            term[node] = number
        self.term = np.array(term, np.int32)
        items = sorted(below.items())
        nodes, words = (np.array([item[0][n] for item in items], np.int64) for n in (0, 1))
        self.keys = paired(nodes, words)
        self.children = np.array([child for _, child in items], np.int64)

    def step(self, nodes: np.ndarray, words: np.ndarray) -> np.ndarray:
        """The node below each with a word that is not negative; 0 where there is none."""
        if not len(self.keys):
            return np.zeros(len(nodes), np.int64)
        wanted = paired(nodes, words)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[at] == wanted, self.children[at], 0)


def _found(corpus: Corpus, tree: _Tree) -> np.ndarray:
    """The terms in the titles, the longest at each place, none within another: each title and term
    once, paired, in order."""
    tokens = np.frombuffer(corpus.tokens, np.int32)
    first = np.append(tree.step(np.zeros(len(corpus.words)), np.arange(len(corpus.words))), 0)
    nodes = first[tokens]  # -1, the break, takes the last
    at = np.flatnonzero(nodes)
    nodes, length = nodes[at], 1
    best, end = np.full(len(tokens), -1, np.int32), np.zeros(len(tokens), np.int64)
    while len(at):
        ended = tree.term[nodes] >= 0
        best[at[ended]] = tree.term[nodes[ended]]
        end[at[ended]] = at[ended] + length
        more = tokens[at + length] >= 0  # a title ends with a break, so there is a next one
        at, nodes = at[more], nodes[more]
        nodes = tree.step(nodes, tokens[at + length])
        at, nodes = at[nodes > 0], nodes[nodes > 0]
        length += 1
    places = np.flatnonzero(best >= 0)
    taken = places[_one_after_the_other(np.searchsorted(places, end[places]))]
    docs = np.searchsorted(np.frombuffer(corpus.ends, np.int64), taken, side="right")
    return distinct(paired(docs, best[taken]))


def _one_after_the_other(following: np.ndarray) -> list[int]:
    """The first, the one that follows it, and so on."""
    at, steps, found = 0, following.tolist(), []
    while at < len(steps):
        found.append(at)
        at = steps[at]
    return found
