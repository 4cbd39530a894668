"""Which lexicon terms might expand a query, and which of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.lexicon.lexicon import Candidate, Lexicon, Mention

MAX_CATEGORIES = 3


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the lexicon holds for one query.

    Attributes:
        mentions: terms that stand in the query.
        candidates: terms that do not, and might expand it.
    """

    mentions: list[Mention]
    candidates: list[Candidate]


@dataclass(frozen=True, slots=True)
class Expander:
    """Retrieval before, and selection after, the matching model."""

    lexicon: Lexicon
    max_candidates: int
    min_similarity: float
    threshold: float
    max_expansions: int

    def retrieve(self, forms: Sequence[str], vectors: np.ndarray) -> list[Retrieved]:
        """Mentions and candidates of each normal form.

        Args:
            vectors: float32, shape [n, dimension], unit length; a zero row has no neighbours.
        """
        if not forms:
            return []
        ids, similarities = self.lexicon.nearest(vectors, 2 * self.max_candidates or 1)
        found = []
        for form, near, similarity in zip(forms, ids, similarities, strict=True):
            mentions = self.lexicon.matches(form)
            candidates = self.lexicon.candidates(
                *(form, mentions, near, similarity),
                limit=self.max_candidates,
                min_similarity=self.min_similarity,
            )
            found.append(Retrieved(mentions, candidates))
        return found

    def texts(self, found: Retrieved) -> list[str]:
        """What the matching model scores with the query: mentions (for categories), candidates."""
        return [*(m.surface for m in found.mentions), *(c.text for c in found.candidates)]

    def select(self, found: Retrieved, scores: np.ndarray | None) -> dict[str, Any]:
        """The output's `expansions` and `categories`.

        Args:
            scores: float32, shape [mentions + candidates], in the order of `texts`; None when
                the matching model was away: then the lexicon's own links stand alone.
        """
        if scores is None:
            mention_scores = [1.0] * len(found.mentions)
            kept = [(c.prior, c) for c in found.candidates if c.source != "embedding"]
        else:
            values = [round(float(score), 4) for score in scores]
            mention_scores = values[: len(found.mentions)]
            scored = zip(values[len(found.mentions) :], found.candidates, strict=True)
            kept = [(score, c) for score, c in scored if score >= self.threshold]
        kept = sorted(kept, key=lambda item: -item[0])[: self.max_expansions]
        return {
            "expansions": [{"term": c.text, "score": s, "source": c.source} for s, c in kept],
            "categories": self._categories(found.mentions, mention_scores, kept),
        }

    def _categories(
        self,
        mentions: list[Mention],
        scores: list[float],
        kept: list[tuple[float, Candidate]],
    ) -> list[dict[str, Any]]:
        best: dict[str, float] = {}
        terms = [(score, m.term_id) for score, m in zip(scores, mentions, strict=True)]
        terms = [term for term in terms if term[0] >= self.threshold]
        for score, term_id in terms + [(score, c.term_id) for score, c in kept]:
            path = self.lexicon.category(term_id)
            best[path] = max(score, best.get(path, 0.0))
        top = sorted(best.items(), key=lambda item: -item[1])[:MAX_CATEGORIES]
        return [{"path": path, "score": score} for path, score in top]
