"""The stages that the queries of one language go through."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from triton_models.contract import ModelContract
from worker.understanding.stage import Stage
from worker.understanding.tagging import Tagger


class Stages:
    """One for each kind of model; those of another language may be the same stages.

    Attributes:
        tagger: None where no model gives tags.
        tagging: [its stage] if there is a tagging model of its own, else [].
        all: of intent, encoder and matching, then `tagging`.
        contracts: of their models, by kind.
        served: the versions whose cached enrichments may go out, as of the last `refresh`.
    """

    def __init__(
        self, intent: Stage, encoder: Stage, matching: Stage, tagger: Tagger | None = None
    ) -> None:
        self.intent, self.encoder, self.matching, self.tagger = intent, encoder, matching, tagger
        self.tagging = [tagger.stage] if tagger and tagger.stage is not intent else []
        self.all = (intent, encoder, matching, *self.tagging)
        self.contracts: Mapping[str, ModelContract] = {s.kind: s.contract for s in self.all}
        self._current: list[frozenset[str]] | None = None
        self.served: set[tuple[str, ...]] = set()

    def refresh(self) -> bool:
        """Take note of the versions that are served now; whether they have changed."""
        current = [stage.versions.current for stage in self.all]
        if changed := current != self._current:
            self._current = current
            self.served = set(product(*(versions | {""} for versions in current)))
        return changed
