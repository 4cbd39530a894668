"""What was found for a query → the bytes that are attached to its events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from triton_models.contract import ModelContract
from triton_models.kinds.values import rounded
from worker import __version__
from worker.config.models import INTENT, MODELS, TAGGING
from worker.event import SCHEMA_VERSION, Enrichment
from worker.lexicon.attributes import once
from worker.lexicon.correction import Correction
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.reading import Reading
from worker.understanding.cache import Key

SENTIMENT = "sentiment"  # a further head of the intent model
SHOPPING = frozenset({"purchase", "browse"})  # intents of a query that only names a thing
ENDS_KEPT = 256  # combinations of versions and missing stages


class Composer:
    """Makes enrichments.

    Args:
        contracts: of the models, by kind.
        fallback: the label that an event without the intent model gets; None gives it none.

    Attributes:
        stages: `MODELS`, and `TAGGING` where there is such a model.
    """

    def __init__(
        self, lexicon: Lexicon, contracts: Mapping[str, ModelContract], fallback: str | None
    ) -> None:
        self.stages = (*MODELS, TAGGING) if TAGGING in contracts else MODELS
        intent = contracts[INTENT]
        self._lexicon, self._names = lexicon, {kind: c.name for kind, c in contracts.items()}
        self._labels = list(intent.labels)
        self._heads, start = {}, len(self._labels)  # labels and columns of further heads
        for head in intent.heads:
            self._heads[head.name] = head.labels, slice(start, start + len(head.labels))
            start += len(head.labels)
        self._ends: dict[tuple[tuple[str, ...], tuple[str, ...]], bytes] = {}
        # No model says 0, nor leaves the scores out: nobody takes it for an answer.
        stand_in = fallback and {"label": fallback, "confidence": 0.0, "scores": {}}
        self._unlabelled = {"intent": stand_in, "sentiment": None}

    def enrichment(
        self,
        key: Key,
        correction: Correction | None,
        read: Reading,
        labels: Mapping[str, Any] | None,
        found: Mapping[str, Any],
        degraded: tuple[str, ...],
        versions: tuple[str, ...],
    ) -> Enrichment:
        """The enrichment of one query.

        Args:
            key: its normal form and language.
            read: the corrected query's, where there is a correction.
            labels: as `labels` gives them; None without the intent model.
            found: `expansions`, `categories` and `attributes`.
            degraded: the stages that are missing.
            versions: of the models of `stages`; "" where nothing was asked.
        """
        label = labels and labels["intent"]["label"]
        exclusions = [x._asdict() for x in read.exclusions]
        attributes = found["attributes"]
        if correction:
            exclusions = [_typed(x, correction) for x in exclusions]
            attributes = [_typed(asdict(a), correction) for a in attributes]
        said = {
            "correction": correction
            and {"query": correction.query, "confidence": correction.confidence},
            **(labels or self._unlabelled),
            "expansions": found["expansions"],
            "categories": found["categories"],
            "exclusions": exclusions,
            "attributes": attributes,
        }
        return self._made(key, said, label, degraded, versions)

    def without_models(self, form: str, language: str) -> Enrichment:
        """What no model is needed for."""
        read = self._lexicon.read(form)
        found = {"expansions": [], "categories": [], "attributes": once(read.attributes)}
        return self.enrichment(
            (form, language), None, read, None, found, self.stages, self._no_versions
        )

    @property
    def _no_versions(self) -> tuple[str, ...]:
        return ("",) * len(self.stages)

    def labels(self, probabilities: Sequence[float], names_a_product: bool) -> dict[str, Any]:
        """The output's `intent` and `sentiment`.

        Args:
            probabilities: of the labels, then of the further heads' labels.
            names_a_product: whether the query names a thing and no more, and so is one to purchase
                or to browse, and not negative.
        """
        of_labels = probabilities[: len(self._labels)]
        intent, scores = _likeliest(self._labels, of_labels)
        if names_a_product and intent["label"] not in SHOPPING:
            intent, scores = _likeliest(self._labels, _only(SHOPPING, self._labels, of_labels))
        intent["scores"] = dict(zip(self._labels, scores, strict=True))
        sentiment = None
        if SENTIMENT in self._heads:
            labels, columns = self._heads[SENTIMENT]
            of_head = probabilities[columns]
            if names_a_product:  # what it is not to be is no complaint: "fridge not integrated"
                of_head = _only({*labels} - {"negative"}, labels, of_head)
            sentiment, _ = _likeliest(labels, of_head)
        return {"intent": intent, "sentiment": sentiment}

    def unserved(self, form: str, language: str) -> Enrichment:
        """Of a query in a language that is not served: complete, with nothing attached."""
        said = {
            "correction": None,
            "intent": None,
            "sentiment": None,
            "expansions": [],
            "categories": [],
            "exclusions": [],
            "attributes": [],
        }
        return self._made((form, language), said, None, (), self._no_versions)

    def _made(
        self,
        key: Key,
        said: Mapping[str, Any],
        label: str | None,
        degraded: tuple[str, ...],
        versions: tuple[str, ...],
    ) -> Enrichment:
        form, language = key
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": form,
            "language": language,
            **said,
        }
        end = self._ends.get((degraded, versions)) or self._end(degraded, versions)
        return Enrichment(orjson.dumps(body)[1:-1] + end, label, degraded, versions)

    def _end(self, degraded: tuple[str, ...], versions: tuple[str, ...]) -> bytes:
        """What all enrichments by these models end with."""
        made_by = {
            model: f"{self._names[model]}:{version}" if version else None
            for model, version in zip(self.stages, versions, strict=True)
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


def _likeliest(
    labels: Sequence[str], probabilities: Sequence[float]
) -> tuple[dict[str, Any], list[float]]:
    """The likeliest label with its probability, and all probabilities as they are published."""
    scores = rounded(probabilities)
    best = max(scores)
    return {"label": labels[scores.index(best)], "confidence": best}, scores


def _only(
    kept: Collection[str], labels: Sequence[str], probabilities: Sequence[float]
) -> Sequence[float]:
    """Probabilities if one of some labels is right; as they are where no label is among these."""
    shares = [p if n in kept else 0.0 for n, p in zip(labels, probabilities, strict=True)]
    total = sum(shares)
    return [share / total for share in shares] if total else probabilities


def _typed(item: dict[str, Any], correction: Correction) -> dict[str, Any]:
    """An item with the span of the words as they were typed."""
    item["start"], item["end"] = correction.typed(item["start"], item["end"])
    return item
