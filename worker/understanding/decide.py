"""Which lexicon terms might expand a query, and which of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from worker.lexicon.lexicon import Candidate, Lexicon, Mention, Reading

MAX_CATEGORIES = 3


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the lexicon holds for one query.

    Attributes:
        read: the query's words, and the terms that stand in it.
        candidates: texts that do not, and might expand it.
    """

    read: Reading
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
        for form, near, similarity in zip(forms, ids.tolist(), similarities.tolist(), strict=True):
            read = self.lexicon.read(form)
            candidates = self.lexicon.candidates(
                read,
                near,
                similarity,
                limit=self.max_candidates,
                min_similarity=self.min_similarity,
            )
            found.append(Retrieved(read, candidates))
        return found

    def texts(self, found: Retrieved) -> list[str]:
        """What the matching model scores with the query: mentions (for categories), candidates."""
        return [*[m.surface for m in found.read.mentions], *[c.text for c in found.candidates]]

    def select(self, found: Retrieved, scores: Sequence[float] | None) -> dict[str, Any]:
        """The output's `expansions` and `categories`.

        Args:
            scores: of mentions and candidates, in the order of `texts`; None when the matching
                model was away: then the lexicon's own links stand alone.
        """
        mentions = found.read.mentions
        if scores is None:
            mention_scores = [1.0] * len(mentions)
            kept = [(c.prior, c) for c in found.candidates if c.source != "embedding"]
        else:
            least = self.threshold - 1e-4  # what rounding might lift to the threshold
            values = [round(score, 4) if score >= least else -1.0 for score in scores]
            mention_scores = values[: len(mentions)]
            scored = zip(values[len(mentions) :], found.candidates, strict=True)
            kept = [pair for pair in scored if pair[0] >= self.threshold]
        kept.sort(key=_score, reverse=True)
        del kept[self.max_expansions :]
        return {
            "expansions": [{"term": c.text, "score": s, "source": c.source} for s, c in kept],
            "categories": self._categories(mentions, mention_scores, kept),
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
            if score > best.get(path, -1.0):
                best[path] = score
        top = sorted(best.items(), key=itemgetter(1), reverse=True)[:MAX_CATEGORIES]
        return [{"path": path, "score": score} for path, score in top]


_score = itemgetter(0)
