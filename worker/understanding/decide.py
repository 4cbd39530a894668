"""Which lexicon terms might expand a query, and which of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import Any

import numpy as np

from triton_models.kinds.values import DIGITS
from worker.lexicon.lexicon import Candidate, Lexicon
from worker.lexicon.reading import Mention, Reading
from worker.understanding.protect import Protection

MAX_CATEGORIES = 3
SILENT = frozenset({"other", "complaint"})  # intents whose queries are not expanded
MENTION_PRIOR = 0.8  # that the category of what the query names is right
PART_PRIOR = 0.7  # the same, where another word may change what it means
CATEGORY_THRESHOLD = 0.7  # probability from which a category is published
# How much the matching model's score adds to what proposes a term, fitted on expansions and
# categories of random real queries, judged by reading.
WEIGHTS = {"synonym": 0.5, "parent": 1.0, "embedding": 1.0}
MENTION_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the lexicon holds for one query.

    Attributes:
        read: the query's words, and what they mean.
        heads: the terms that name what is asked for.
        priors: of each head, how sure it is that its category is the query's.
        candidates: texts that do not stand in the query, and might expand it.
    """

    read: Reading
    heads: list[Mention]
    priors: list[float]
    candidates: list[Candidate]


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

    def retrieve(self, forms: Sequence[str], vectors: np.ndarray) -> list[Retrieved]:
        """Mentions and candidates of each normal form.

        Args:
            vectors: float32, shape [n, dimension], unit length; a zero row has no neighbours.
        """
        if not forms:
            return []
        ids, similarities = self.lexicon.nearest(vectors, 2 * self.max_candidates or 1)
        found = []
        for form, near, similarity in zip(forms, ids.tolist(), similarities.tolist(), strict=True):
            read = self.lexicon.read(form)
            heads = self.lexicon.heads(read)
            whole = [self.lexicon.is_whole(read, head) for head in heads]
            candidates = self.lexicon.candidates(
                read,
                near,
                similarity,
                limit=self.max_candidates,
                min_similarity=self.min_similarity,
                mentions=[*compress(heads, whole)],
                admits=Protection(self.lexicon, read, heads).admits,
                parents=bool(self.parents_for),
            )
            priors = [MENTION_PRIOR if alone else PART_PRIOR for alone in whole]
            found.append(Retrieved(read, heads, priors, candidates))
        return found

    def texts(self, found: Retrieved) -> list[str]:
        """What the matching model scores with the query: heads (for categories), candidates."""
        return [*[m.surface for m in found.heads], *[c.text for c in found.candidates]]

    def select(
        self, found: Retrieved, scores: Sequence[float] | None, intent: str | None = None
    ) -> dict[str, Any]:
        """The output's `expansions` and `categories`.

        Args:
            scores: of heads and candidates, in the order of `texts`; None when the matching
                model was away: then the lexicon's own links stand alone.
            intent: its label; None where it is not known.
        """
        heads = found.heads
        if intent == "other":
            return {"expansions": [], "categories": []}
        if scores is None:
            named = found.priors
            kept = [(c.prior, c) for c in found.candidates if c.source == "synonym"]
        else:
            named = [
                self.probability(prior, score, MENTION_WEIGHT)
                for prior, score in zip(found.priors, scores[: len(heads)], strict=True)
            ]
            scored = zip(scores[len(heads) :], found.candidates, strict=True)
            kept = [(self.of_candidate(c, score), c) for score, c in scored]
            kept = [pair for pair in kept if pair[0] >= self.threshold]
        if intent in SILENT:
            kept = []
        elif intent not in self.parents_for:
            kept = [pair for pair in kept if pair[1].source != "parent"]
        kept.sort(key=itemgetter(0), reverse=True)
        del kept[self.max_expansions :]
        return {
            "expansions": [{"term": c.text, "score": s, "source": c.source} for s, c in kept],
            "categories": self._categories(heads, named, kept, scores is None),
        }

    def of_candidate(self, candidate: Candidate, score: float) -> float:
        """Probability that a candidate with this score of the matching model is right."""
        return self.probability(candidate.prior, score, WEIGHTS[candidate.source])

    def probability(self, prior: float, score: float, weight: float) -> float:
        """Probability that a term is right, by two witnesses: what proposes it, and its score.

        The odds multiply, those of the score raised to its weight; a neutral score leaves the
        prior as it is.
        """
        score = min(max(float(score), 0.0001), 0.9999)
        found, neutral = score / (1 - score), self.neutral / (1 - self.neutral)
        odds = prior / (1 - prior) * (found / neutral) ** weight
        return round(odds / (1 + odds), DIGITS)

    def _categories(
        self,
        heads: list[Mention],
        scores: list[float],
        kept: list[tuple[float, Candidate]],
        alone: bool,
    ) -> list[dict[str, Any]]:
        best: dict[str, float] = {}
        terms = [(score, m.term_id) for score, m in zip(scores, heads, strict=True)]
        terms = [term for term in terms if alone or term[0] >= CATEGORY_THRESHOLD]
        for score, term_id in terms + [(score, c.term_id) for score, c in kept]:
            path = self.lexicon.category(term_id)
            if score > best.get(path, -1.0):
                best[path] = score
        top = sorted(best.items(), key=itemgetter(1), reverse=True)[:MAX_CATEGORIES]
        return [{"path": path, "score": score} for path, score in top]
