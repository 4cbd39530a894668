"""Tags of words beside the intent, by a head that reads the tokens of the same forward pass.

A query that has no tags does not count in their loss. What is learned, judged and calibrated is
what the kind tagging has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.kinds.intent.examples import Example, tagged
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.kinds.tagging import training
from triton_models.kinds.tagging.decode import Decoder
from triton_models.kinds.tagging.loss import Lesson, Reading, mean_loss, places_of, said
from triton_models.kinds.tagging.words import NOT_READ, labels_of, words_of


class WordHead:
    """The head of the tags, by the states of the tokens that the network was last given."""

    def __init__(self, network: ProbabilityModel, tokenizer: Tokenizer) -> None:
        self.network, self.tokenizer = network, tokenizer
        network.classifier.base_model.register_forward_hook(self._look)

    def _look(self, module: nn.Module, given: tuple, output: tuple[Tensor, ...]) -> None:
        self.states = output[0]

    def logits(self, readings: Mapping[int, Reading]) -> tuple[Tensor, Tensor]:
        """Logits of the words of readings, by their rows in the batch: [words, labels]; and which
        of the words were read.
        """
        texts = [one.text for one in readings.values()]
        words, columns = places_of(self.tokenizer.encode_batch(texts), list(readings.values()))
        states = self.states[torch.tensor(list(readings))[words], columns]
        read = (columns != NOT_READ).to(states.device)
        return self.network.tag_logits(states).float(), read


class TagTask(WordHead):
    """The loss of the tags, by the states of the tokens that the network was last given.

    Args:
        found: the examples to learn from; those without tags are passed over.
        lesson: smoothing and consistency, as of the intents.
        weight: of this loss beside that of the intents.
    """

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        found: Sequence[Example],
        tags: Sequence[str],
        lesson: Lesson,
        weight: float = 1.0,
    ) -> None:
        super().__init__(network, tokenizer)
        self.lesson, self.weight = lesson, weight
        self.found, self.tags = found, tuple(tags)
        self.labels = labels_of(tags)
        self.column = {label: i for i, label in enumerate(self.labels)}

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        """The mean over the words of the texts, readings of these examples, weighted."""
        examples = [self.found[i] for i in rows] * (len(texts) // len(rows))
        readings = {
            i: Reading(texts[i], tuple(words_of(texts[i])), one.tags, one.weight)
            for i, one in enumerate(examples)
            if one.tags
        }
        if not readings:
            return self.states.new_zeros(())
        logits, read = self.logits(readings)
        every = list(readings.values())
        return self.weight * mean_loss(logits, read, every, self.column, self.lesson)

    def measure(self, found: Sequence[Example], fold: bool) -> dict[str, float]:
        """Figures of the spans of those that have tags; with `fold` the head's probabilities are
        fitted to how often its spans are right, and what came of that goes with the figures.
        """
        dev = tagged(found)
        if not dev:
            return {"queries": 0}
        decoder, tagger = Decoder(self.labels), Tagger(self.network)
        logs = said(tagger, self.tokenizer, dev)
        figures = training.measure(logs, training.Material([], dev, self.tags), decoder)
        if fold:
            figures |= training.calibrate(self.network.tags, logs, dev, decoder)
        return {"queries": len(dev)} | figures


class Tagger(nn.Module):
    """An intent model with tags, as a model of tags alone."""

    def __init__(self, network: ProbabilityModel) -> None:
        super().__init__()
        self.network = network

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Those of the tags' labels: [batch, length, labels]."""
        states, _ = self.network.read(input_ids, attention_mask)
        return self.network.tag_logits(states)
