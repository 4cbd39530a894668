"""What was found for a query → the bytes that are attached to its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from worker import __version__
from worker.event import SCHEMA_VERSION, Enrichment
from worker.lexicon.lexicon import Lexicon

MODELS = ("intent", "encoder", "matching")


class Composer:
    """Makes enrichments.

    Args:
        labels: of the intent model, in its order.
        fallback: the label that an event without the intent model gets; None gives it none.
    """

    def __init__(self, lexicon: Lexicon, labels: Sequence[str], fallback: str | None) -> None:
        self._lexicon = lexicon
        self._labels = list(labels)
        # No model says 0, nor leaves the scores out: nobody takes it for an answer.
        self._fallback = fallback and {"label": fallback, "confidence": 0.0, "scores": {}}

    def enrichment(
        self,
        form: str,
        language: str,
        probabilities: Sequence[float] | None,
        found: Mapping[str, Any],
        degraded: tuple[str, ...],
        versions: Sequence[str],
    ) -> Enrichment:
        """One query's.

        Args:
            probabilities: of the labels; None without the intent model.
            found: `expansions` and `categories`.
            degraded: the stages that are missing.
            versions: of intent, encoder and matching; "" where nothing was asked.
        """
        intent = self._fallback if probabilities is None else self._intent(probabilities)
        made_by = {
            model: f"{model}:{version}" if version else None
            for model, version in zip(MODELS, versions, strict=True)
        }
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": form,
            "language": language,
            "intent": intent,
            **found,
            "attributes": self._lexicon.attributes(form),
            "status": "degraded" if degraded else "complete",
            "degraded": degraded,
            "provenance": {"worker": __version__, **made_by, "lexicon": self._lexicon.version},
        }
        # Open at the end: each event adds its own `cached` flag and time.
        encoded = orjson.dumps(body)[1:-2] + b',"cached":'
        label = None if probabilities is None else intent["label"]
        return Enrichment(encoded, label, degraded, tuple(versions))

    def without_models(self, form: str, language: str) -> Enrichment:
        """What no model is needed for."""
        nothing = {"expansions": [], "categories": []}
        return self.enrichment(form, language, None, nothing, MODELS, ("", "", ""))

    def _intent(self, probabilities: Sequence[float]) -> dict[str, Any]:
        scores = [round(float(p), 4) for p in probabilities]
        best = max(range(len(scores)), key=scores.__getitem__)
        return {
            "label": self._labels[best],
            "confidence": scores[best],
            "scores": dict(zip(self._labels, scores, strict=True)),
        }
