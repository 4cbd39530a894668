"""What was found for a query → the bytes that are attached to its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from worker import __version__
from worker.event import SCHEMA_VERSION, Enrichment
from worker.lexicon.lexicon import Lexicon, Reading

MODELS = ("intent", "encoder", "matching")
ENDS_KEPT = 256  # combinations of versions and missing stages


class Composer:
    """Makes enrichments.

    Args:
        labels: of the intent model, in its order.
        fallback: the label that an event without the intent model gets; None gives it none.
    """

    def __init__(self, lexicon: Lexicon, labels: Sequence[str], fallback: str | None) -> None:
        self._lexicon = lexicon
        self._labels = list(labels)
        self._ends: dict[tuple[tuple[str, ...], tuple[str, str, str]], bytes] = {}
        # No model says 0, nor leaves the scores out: nobody takes it for an answer.
        self._fallback = fallback and {"label": fallback, "confidence": 0.0, "scores": {}}

    def enrichment(
        self,
        read: Reading,
        language: str,
        probabilities: Sequence[float] | None,
        found: Mapping[str, Any],
        degraded: tuple[str, ...],
        versions: tuple[str, str, str],
    ) -> Enrichment:
        """One query's.

        Args:
            probabilities: of the labels; None without the intent model.
            found: `expansions` and `categories`.
            degraded: the stages that are missing.
            versions: of intent, encoder and matching; "" where nothing was asked.
        """
        intent = self._fallback if probabilities is None else self._intent(probabilities)
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": read.form,
            "language": language,
            "intent": intent,
            **found,
            "attributes": self._lexicon.attributes(read),
        }
        end = self._ends.get((degraded, versions)) or self._end(degraded, versions)
        label = None if probabilities is None else intent["label"]
        return Enrichment(orjson.dumps(body)[1:-1] + end, label, degraded, versions)

    def without_models(self, form: str, language: str) -> Enrichment:
        """What no model is needed for."""
        nothing = {"expansions": [], "categories": []}
        read = self._lexicon.read(form)
        return self.enrichment(read, language, None, nothing, MODELS, ("", "", ""))

    def _end(self, degraded: tuple[str, ...], versions: tuple[str, str, str]) -> bytes:
        """What all enrichments by these models end with."""
        made_by = {
            model: f"{model}:{version}" if version else None
            for model, version in zip(MODELS, versions, strict=True)
        }
        members = {
            "status": "degraded" if degraded else "complete",
            "degraded": degraded,
            "provenance": {"worker": __version__, **made_by, "lexicon": self._lexicon.version},
        }
        # Open at the end: each event adds its own `cached` flag and time.
        end = b"," + orjson.dumps(members)[1:-2] + b',"cached":'
        if len(self._ends) >= ENDS_KEPT:
            self._ends.clear()
        self._ends[degraded, versions] = end
        return end

    def _intent(self, probabilities: Sequence[float]) -> dict[str, Any]:
        scores = [round(float(p), 4) for p in probabilities]
        best = max(scores)
        return {
            "label": self._labels[scores.index(best)],
            "confidence": best,
            "scores": dict(zip(self._labels, scores, strict=True)),
        }
