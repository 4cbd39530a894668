"""Tags of queries by the optional model `tagging`, or by an intent model that has tags: spans of
the normal form with probabilities.

`worker.lexicon.tagged` has what they change, `worker.lexicon.described` what of them is published.
"""

from __future__ import annotations

from collections.abc import Sequence

from triton_models.contract import ModelContract
from triton_models.kinds.tagging.decode import Decoder, Found
from triton_models.kinds.tagging.words import NOT_READ, Place, first_pieces, words_of
from triton_models.kinds.values import DIGITS
from worker.event import Tag
from worker.understanding.batching import StageAnswers
from worker.understanding.stage import Stage


class Tagger:
    """The stage of the model that gives the tags, and what its answers say.

    Args:
        contract: of kind tagging; see `ModelContract.tagging`.

    Attributes:
        stage: asks the model.
    """

    def __init__(self, stage: Stage, contract: ModelContract) -> None:
        self.stage = stage
        self._decoder = Decoder(contract.labels)
        self._max_length = contract.max_length

    def tags(self, forms: Sequence[str], found: StageAnswers) -> list[tuple[Tag, ...]]:
        """The tags of each query; none where the model did not answer."""
        words = [words_of(form) for form in forms]
        pieces = [*map(self._pieces, forms, words)]
        values = found.values if found.tags is None else found.tags
        said = self._decoder.find(self._decoder.words(values, pieces), words)
        return [
            tags_of(one) if version else ()
            for one, version in zip(said, found.versions, strict=True)
        ]

    def _pieces(self, form: str, words: Sequence[Place]) -> list[int]:
        """The first pieces of the words, those that the model's length cuts off marked so."""
        if (starts := self.stage.sequences.word_starts(form)) is not None:
            return starts + [NOT_READ] * (len(words) - len(starts))
        encoding = self.stage.tokenizer.tokenizer.encode(form)
        pieces = first_pieces(encoding, words)
        if len(encoding) <= self._max_length:
            return pieces
        parts = encoding.sequence_ids
        special = len(parts) - 1 - max(i for i, part in enumerate(parts) if part == 0)
        return [p if p < self._max_length - special else NOT_READ for p in pieces]


def tags_of(found: Found) -> tuple[Tag, ...]:
    """The tags that a model's answer says, their probabilities rounded."""
    chances = zip(found.spans, found.probabilities, strict=True)
    return tuple(Tag(*span, round(chance, DIGITS)) for span, chance in chances)
