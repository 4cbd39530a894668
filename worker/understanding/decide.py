"""Which lexicon terms might expand a query, and which of them do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from triton_models.kinds.values import DIGITS
from worker.event import Tag
from worker.lexicon.attributes import Attribute
from worker.lexicon.described import CONTENT, PRODUCT
from worker.lexicon.head_pairs import for_another, sharing_ends
from worker.lexicon.lexicon import Candidate, Lexicon
from worker.lexicon.neighbours import Neighbours
from worker.lexicon.reading import Mention, Reading, only_terms_and_attributes
from worker.understanding import evidence
from worker.understanding.protect import Protection
from worker.understanding.published import published
from worker.understanding.query_target import QueryTarget, query_target
from worker.understanding.questions import (
    asks_about,
    asks_about_an_order,
    seeks_by_purpose,
)
from worker.understanding.wording import for_whom, in_place, reworded

MAX_CATEGORIES = 3
CATEGORY_THRESHOLD = 0.6  # probability from which a category is published
# How much the matching model's score adds to what proposes a term, fitted on expansions of random
# real queries, judged by reading. For a synonym the score of what it stands for says more than its
# own: whether the word means in this query what the lexicon takes it for.
WEIGHTS = {"synonym": 0.2, "parent": 1.0, "embedding": 1.0}
REPLACED_WEIGHT = 0.3
SAME = 0.97  # that other words for whom the thing is for, or what it is like, are right


class Retrieved(NamedTuple):
    """What the lexicon holds for one query.

    Attributes:
        read: the query's words, and what they mean.
        heads: the terms that name what is asked for.
        renamed: of each head, the part that has other names.
        replaced: the heads for which other names are among the candidates.
        candidates: texts that do not stand in the query, and might expand it.
        categories: paths, each with the probability that it is the query's, the surest first.
        attributes: those that are published, in order.
        names_a_product: whether the query names a thing with its properties and says no more.
    """

    read: Reading
    heads: list[Mention]
    renamed: list[Mention]
    replaced: list[Mention]
    candidates: list[Candidate]
    categories: list[tuple[str, float]]
    attributes: list[Attribute]
    names_a_product: bool


@dataclass(frozen=True, slots=True)
class Expander:
    """Retrieval before, and selection after, the matching model.

    Attributes:
        threshold: probability from which a term is published.
        neutral: score of the matching model that says nothing; the threshold of its contract.
        parents_for: intents whose queries are also expanded by broader terms.
    """

    lexicon: Lexicon
    max_candidates: int
    min_similarity: float
    threshold: float
    max_expansions: int
    neutral: float = 0.5
    parents_for: frozenset[str] = frozenset()

    def retrieve(
        self,
        forms: Sequence[str],
        vectors: np.ndarray,
        tags: Iterable[Sequence[Tag]] = repeat(()),
    ) -> list[Retrieved]:
        """Mentions and candidates of each normal form.

        Args:
            vectors: float32, shape [n, dimension], unit length; a zero row has no neighbours.
            tags: of each form, by the tagging model.
        """
        if not forms:
            return []
        reads = list(map(self.lexicon.read, forms, tags))
        near = self.lexicon.neighbours(
            reads, vectors, 2 * self.max_candidates or 1, self.min_similarity
        )
        return list(map(self._retrieved, reads, near))

    def _retrieved(self, read: Reading, near: Neighbours) -> Retrieved:
        lexicon = self.lexicon
        nearest, departments = near.ids[: evidence.NEAREST], near.departments[: evidence.NEAREST]
        target = query_target(lexicon, read, nearest, near.similarity)
        by_purpose = seeks_by_purpose(read.words)
        if by_purpose:  # "something to open jars" asks for none
            target = QueryTarget([], "")
        heads = target.heads
        sharing = sharing_ends(read, heads, lexicon.term_of)
        nothing_else = bool(heads) and only_terms_and_attributes(read, heads)
        sold = lexicon.sold(read)
        brand = bool(sold) and not (heads or read.exclusions)
        names_a_product = evidence.names_a_product(read, heads, brand)
        sure = []
        for head in heads:
            several = " " in head.surface or head not in read.mentions
            agree = evidence.AGREE_IF_UNKNOWN
            if nearest:
                agree = departments.count(lexicon.department_number(head.term_id))
            sure.append(
                evidence.of_synonym(several, nothing_else, agree, lexicon.is_whole(read, head))
            )
        renamed = [lexicon.renamable(head) for head in heads]

        def candidates(parts: Sequence[Mention]) -> list[Candidate]:
            return lexicon.candidates(
                read,
                near.within,
                limit=self.max_candidates,
                mentions=dict(
                    zip(
                        parts,
                        map(evidence.with_tags, sure, parts, repeat(read.things)),
                        strict=True,
                    )
                ),
                admit=Protection(lexicon, read, heads).admit,
                parents=bool(self.parents_for),
            )

        # In "dog and cat bed" another name of one would tear the other.
        closed = by_purpose or sharing or asks_about(read.words)
        found = candidates(renamed) if (heads or near.within) and not closed else []
        if heads and not (closed or any(candidate.source == "synonym" for candidate in found)):
            broader = [lexicon.broader_part(part) or part for part in renamed]
            if broader != renamed:  # "petrol lawn mower" says another use, "gas mower" does not
                renamed, found = broader, candidates(broader)
        replaced = heads if any(candidate.source == "synonym" for candidate in found) else []
        categories = self._categories(read, near, target, sharing, names_a_product, sold)
        attributes = published(read, heads, sharing, lexicon.term_of)
        if by_purpose:
            attributes = [attribute for attribute in attributes if attribute.name != PRODUCT]
        return Retrieved(
            read, heads, renamed, replaced, found, categories, attributes, names_a_product
        )

    def _categories(
        self,
        read: Reading,
        near: Neighbours,
        target: QueryTarget,
        sharing: Sequence[Mention],
        names_a_product: bool,
        sold: Sequence[str],
    ) -> list[tuple[str, float]]:
        """What `Retrieved.categories` holds: those of the heads, or else the fallback.

        What shares a head's end is as surely meant as the head, and no surer.
        """
        lexicon, fallback = self.lexicon, target.fallback_category
        best: dict[str, float] = {}
        of_heads: dict[Mention, float] = {}
        pairs = [(head, head) for head in target.heads]
        pairs += [(s, next(h for h in target.heads if h.end > s.end)) for s in sharing]
        for mention, head in pairs:
            term_id = for_another(read, mention, lexicon.term_of)
            own = lexicon.category(term_id)
            path = lexicon.shelf(own, read.attributes)
            if path:
                department = lexicon.department_number(term_id)
                nearest = self._nearest(near, {own, path}, department)
                chance = evidence.of_category(read, head, names_a_product, path, nearest, sold)
                chance = min(chance, of_heads.setdefault(head, chance))
                best[path] = max(chance, best.get(path, 0.0))
        sure = {path: chance for path, chance in best.items() if chance >= CATEGORY_THRESHOLD}
        path = lexicon.shelf(fallback, read.attributes) if not sure and fallback else ""
        if path:
            nearest = self._nearest(near, {fallback, path})
            chance = evidence.of_fallback(path, nearest, sold, target.is_named)
            if chance >= CATEGORY_THRESHOLD:
                sure[path] = chance
        return sorted(sure.items(), key=itemgetter(1), reverse=True)[:MAX_CATEGORIES]

    def _nearest(
        self, near: Neighbours, paths: Iterable[str], department: int | None = None
    ) -> evidence.Nearest | None:
        """What the nearest terms say of a category, which a thing may have for whom it is."""
        if not near.ids:
            return None
        numbers = set(map(self.lexicon.category_number, paths))
        alike = [number in numbers for number in near.categories[: evidence.NEAREST]]
        akin = near.departments[: evidence.NEAREST].count(department)
        return evidence.Nearest(sum(alike), akin, alike[0], near.similarity)

    def texts(self, found: Retrieved) -> list[str]:
        """What the matching model scores with the query: what has other names, and candidates."""
        return [*[m.surface for m in found.replaced], *[c.text for c in found.candidates]]

    def select(
        self, found: Retrieved, scores: Sequence[float] | None, intent: str | None = None
    ) -> dict[str, Any]:
        """The output's `expansions`, `categories` and `attributes`.

        Args:
            scores: of `texts`, in their order; None when the matching model was away: then the
                lexicon's own links stand alone.
            intent: its label; None where it is not known.
        """
        if intent == "other":
            said = _without_sentence(found) if found.read.mentions else []
            return {"expansions": [], "categories": [], "attributes": said}
        if scores is None:
            kept = [(c.prior, c) for c in found.candidates if c.source == "synonym"]
        else:
            scored = zip(self.sure(found, scores), found.candidates, strict=True)
            kept = [pair for pair in scored if pair[0] >= self.threshold]
        complains = intent == "complaint"
        closed = complains or (intent == "inquiry" and asks_about_an_order(found.read))
        if closed:
            kept = []
        elif intent not in self.parents_for:
            kept = [pair for pair in kept if pair[1].source != "parent"]
        kept.sort(key=itemgetter(0), reverse=True)
        terms = {}
        for score, candidate in kept:
            if term := self.term(found, candidate):
                terms.setdefault(term, (score, candidate.source))
        if (
            not terms
            and not closed
            and self.threshold <= SAME
            and found.heads
            and (term := self._said_otherwise(found))
        ):
            terms[term] = SAME, "synonym"
        expansions = [{"term": t, "score": s, "source": of} for t, (s, of) in terms.items()]
        return {
            "expansions": expansions[: self.max_expansions],
            "categories": [{"path": p, "score": round(s, DIGITS)} for p, s in found.categories],
            "attributes": _without_sentence(found) if complains else found.attributes,
        }

    def _said_otherwise(self, found: Retrieved) -> str:
        """The query with other words for whom the thing is for, or else for what it is like; ""
        where there are none."""
        read, lexicon = found.read, self.lexicon
        whom = for_whom(read, found.heads, lexicon.other_words.persons)
        categories = (lexicon.category(head.term_id) for head in found.heads)
        return whom or reworded(read, lexicon.other_words, categories)

    def term(self, found: Retrieved, candidate: Candidate) -> str:
        """A candidate as it is published; "" if the query says the same."""
        for part in found.renamed if candidate.source == "synonym" else ():
            if part.term_id == candidate.term_id:
                return in_place(found.read, part, candidate.text)
        return candidate.text

    def sure(self, found: Retrieved, scores: Sequence[float]) -> list[float]:
        """Of each candidate, the probability that it is right.

        Args:
            scores: of `texts`, in their order.
        """
        of_replaced = scores[: len(found.replaced)]
        replaced = {m.term_id: s for m, s in zip(found.renamed, of_replaced, strict=False)}
        sure = []
        for candidate, score in zip(found.candidates, scores[len(found.replaced) :], strict=True):
            said = [(score, WEIGHTS[candidate.source])]
            if candidate.source == "synonym" and candidate.term_id in replaced:
                said.append((replaced[candidate.term_id], REPLACED_WEIGHT))
            sure.append(self.probability(candidate.prior, *said))
        return sure

    def probability(self, prior: float, *scored: tuple[float, float]) -> float:
        """Probability that a term is right, by what proposes it and by scores, each with a weight.

        The odds multiply, those of a score raised to its weight; a neutral score leaves the prior
        as it is.
        """
        neutral, odds = self.neutral / (1 - self.neutral), prior / (1 - prior)
        for score, weight in scored:
            score = min(max(float(score), 0.0001), 0.9999)
            odds *= (score / (1 - score) / neutral) ** weight
        return round(odds / (1 + odds), DIGITS)


def _without_sentence(found: Retrieved) -> list[Attribute]:
    """The attributes of what is no search, without a content that is all of it: "my shoes are
    falling apart"."""
    end = len(found.read.form)
    return [a for a in found.attributes if (a.name, a.start, a.end) != (CONTENT, 0, end)]
