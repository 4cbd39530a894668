"""What was found for a query → the bytes that are attached to its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from triton_models.contract import ModelContract
from worker import __version__
from worker.event import SCHEMA_VERSION, Enrichment, Tag
from worker.lexicon.correction import Correction
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.reading import Reading
from worker.understanding.cache import Key

MODELS = ("intent", "encoder", "matching")
TAGGING = "tagging"  # the model that may be left out
SENTIMENT = "sentiment"  # a further head of the intent model
ENDS_KEPT = 256  # combinations of versions and missing stages


class Composer:
    """Makes enrichments.

    Args:
        intent: the contract of the intent model.
        fallback: the label that an event without the intent model gets; None gives it none.
    """

    def __init__(self, lexicon: Lexicon, intent: ModelContract, fallback: str | None) -> None:
        self._lexicon = lexicon
        self._labels = list(intent.labels)
        self._heads, start = {}, len(self._labels)  # labels and columns of further heads
        for head in intent.heads:
            self._heads[head.name] = head.labels, slice(start, start + len(head.labels))
            start += len(head.labels)
        self._ends: dict[tuple[tuple[str, ...], tuple[str, str, str]], bytes] = {}
        # No model says 0, nor leaves the scores out: nobody takes it for an answer.
        self._fallback = fallback and {"label": fallback, "confidence": 0.0, "scores": {}}

    def enrichment(
        self,
        key: Key,
        correction: Correction | None,
        read: Reading,
        probabilities: Sequence[float] | None,
        found: Mapping[str, Any],
        degraded: tuple[str, ...],
        versions: tuple[str, str, str],
        tags: tuple[Tag, ...] | None = (),
    ) -> Enrichment:
        """One query's.

        Args:
            key: its normal form and language.
            read: the corrected query's, where there is a correction.
            probabilities: of the labels, then of the further heads' labels; None without the
                intent model.
            found: `expansions` and `categories`.
            degraded: the stages that are missing.
            versions: of intent, encoder and matching; "" where nothing was asked.
            tags: of the tagging model.
        """
        intent = self._fallback if probabilities is None else self._intent(probabilities)
        label = None if probabilities is None else intent["label"]
        form, language = key
        exclusions, attributes = read.exclusions, read.attributes
        if label == "other" and not read.mentions:
            attributes = ()
        if correction:
            exclusions = [_typed(x._asdict(), correction) for x in exclusions]
            attributes = [_typed(asdict(a), correction) for a in attributes]
        else:
            exclusions = [x._asdict() for x in exclusions]
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": form,
            "language": language,
            "correction": correction
            and {"query": correction.query, "confidence": correction.confidence},
            "intent": intent,
            "sentiment": None if probabilities is None else self._sentiment(probabilities),
            **found,
            "exclusions": exclusions,
            "attributes": attributes,
        }
        end = self._ends.get((degraded, versions)) or self._end(degraded, versions)
        made = orjson.dumps(body)[1:-1] + end
        return Enrichment(made, label, degraded, versions, tags)

    def without_models(self, form: str, language: str) -> Enrichment:
        """What no model is needed for."""
        nothing = {"expansions": [], "categories": []}
        read = self._lexicon.read(form)
        return self.enrichment((form, language), None, read, None, nothing, MODELS, ("", "", ""))

    def label(self, probabilities: Sequence[float]) -> str:
        """The likeliest label."""
        return self._labels[max(range(len(self._labels)), key=probabilities.__getitem__)]

    def unserved(self, form: str, language: str) -> Enrichment:
        """Of a query in a language that is not served: complete, with nothing attached."""
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": form,
            "language": language,
            "correction": None,
            "intent": None,
            "sentiment": None,
            "expansions": [],
            "categories": [],
            "exclusions": [],
            "attributes": [],
        }
        versions = ("", "", "")
        end = self._ends.get(((), versions)) or self._end((), versions)
        return Enrichment(orjson.dumps(body)[1:-1] + end, None, (), versions)

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
        scores = [round(float(p), 4) for p in probabilities[: len(self._labels)]]
        best = max(scores)
        return {
            "label": self._labels[scores.index(best)],
            "confidence": best,
            "scores": dict(zip(self._labels, scores, strict=True)),
        }

    def _sentiment(self, probabilities: Sequence[float]) -> dict[str, Any] | None:
        """Where the intent model has that head."""
        if SENTIMENT not in self._heads:
            return None
        labels, columns = self._heads[SENTIMENT]
        scores = [round(float(p), 4) for p in probabilities[columns]]
        best = max(scores)
        return {"label": labels[scores.index(best)], "confidence": best}


def _typed(item: dict[str, Any], correction: Correction) -> dict[str, Any]:
    """An item with the span of the words as they were typed."""
    item["start"], item["end"] = correction.typed(item["start"], item["end"])
    return item
