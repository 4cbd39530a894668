"""Masked language modelling: whole words are hidden, and the network says what they were.

As in Devlin et al. (2019): 15 % of a text's pieces are hidden, of which 80 % become [MASK], 10 %
another piece and 10 % stay. The pieces of a word are hidden together (whole-word masking), and the
words are drawn anew each time a text is read. Chinese, which writes no spaces, is cut each time
into one to four pieces that are hidden together, as MacBERT does it (Cui et al., 2020).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from transformers import AutoModel, AutoModelForMaskedLM

from triton_models.kinds.encoder import sentence
from triton_models.kinds.encoder.sentence import Sentence
from triton_models.query_text import is_ideograph
from triton_models.settings import MAX_LENGTH, UsageError, usable
from triton_models.text import special
from triton_models.training import families
from triton_models.training.inputs import AT_ONCE, device
from triton_models.training.vocabulary import OWN

SHARE = 0.15  # of a text's pieces that is hidden, but one word at least
MASKED, REPLACED = 0.8, 0.1  # of those
LENGTHS = (0.4, 0.3, 0.2, 0.1)  # shares of one, two … pieces of Chinese hidden together
IGNORED = -100  # what is wanted where nothing is hidden


class Text(NamedTuple):
    """A text's pieces, [CLS] and [SEP] included, and the places of each word's and of each run of
    Chinese.
    """

    ids: list[int]
    words: list[list[int]]
    runs: list[list[int]]


class MaskedModel(nn.Module):
    """A BERT that names hidden pieces; the end of its head is its own table of word embeddings."""

    def __init__(self, classifier: nn.Module, new_head: bool, told: Sentence) -> None:
        super().__init__()
        self.classifier = classifier
        self.new_head, self.sentence = new_head, told

    def save_notes(self, folder: Path) -> None:
        """How its vectors are pooled, for an encoder that is made of it."""
        sentence.write(self.sentence, folder)

    def costs(self, ids: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        """Each hidden piece's negative log-likelihood; ids, mask, wanted are [batch, length]."""
        states = families.read(self.classifier.base_model, ids, mask)[0]
        hidden = wanted != IGNORED  # the head is the dearest part: asked for these alone
        family = families.of(self.classifier.config)
        logits = family.words(self.classifier, states[hidden]).float()
        return nn.functional.cross_entropy(logits, wanted[hidden], reduction="none")


def load(folder: Path) -> MaskedModel:
    """The network of any BERT checkpoint; a head that it lacks is new.

    Raises UsageError for a folder that holds none, or one with adapters inserted.
    """
    family = families.require(folder)
    with usable(folder, "give the folder of a BERT checkpoint"):
        model, told = AutoModelForMaskedLM.from_pretrained(
            folder, attn_implementation="eager", output_loading_info=True
        )
        if hasattr(model.base_model, "pooler"):  # not trained, but kept
            model.base_model.pooler = AutoModel.from_pretrained(folder).pooler
    if getattr(model.config, "adaptation", None):
        raise UsageError(f"{folder}: has adapters; pretrain the checkpoint that they were put into")
    new = any(name.startswith(family.new_head) for name in told["missing_keys"])
    return MaskedModel(model, new, sentence.read(folder))


def pieces(tokenizer: Tokenizer, texts: Iterable[str], longest: int = MAX_LENGTH) -> list[Text]:
    """The texts as pieces; a long one is cut into several of `longest`."""
    tokenizer.enable_truncation(longest)
    found = []
    texts = list(texts)
    for whole_text, whole in zip(texts, tokenizer.encode_batch(texts), strict=True):
        for part in (whole, *whole.overflowing):
            if any(word is not None for word in part.word_ids):
                found.append(_text(whole_text, part))
    return found


def _text(text: str, part: Encoding) -> Text:
    """A part of a text with its words and its runs of Chinese."""
    places = [i for i, word in enumerate(part.word_ids) if word is not None]
    chinese = {i for i in places if any(map(is_ideograph, text[slice(*part.offsets[i])]))}
    words: list[list[int]] = []
    runs: list[list[int]] = []
    for (inside, _), group in groupby(
        places, key=lambda i: (i in chinese, None if i in chinese else part.word_ids[i])
    ):
        (runs if inside else words).append(list(group))
    return Text(part.ids, words, runs)


class Masker:
    """Hides words of texts, and reads them as tensors."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        vocabulary, mask = tokenizer.get_vocab(), special(tokenizer, "mask")
        if mask is None:
            raise UsageError("the checkpoint's tokenizer has no [MASK]: give another checkpoint")
        self.mask = mask
        self.others = sorted(i for piece, i in vocabulary.items() if piece not in OWN)

    def hide(self, text: Text, rng: random.Random) -> tuple[list[int], list[int]]:
        """The pieces as they are shown, and what is wanted of them."""
        shown, wanted = list(text.ids), [IGNORED] * len(text.ids)
        words = text.words + [some for run in text.runs for some in _cut(run, rng)]
        left = max(1, round(SHARE * sum(map(len, words))))
        for count, word in enumerate(rng.sample(words, len(words))):
            if count and len(word) > left:
                continue
            left -= len(word)
            for place in word:
                wanted[place] = text.ids[place]
                shown[place] = self.instead(text.ids[place], rng)
            if left <= 0:
                break
        return shown, wanted

    def instead(self, piece: int, rng: random.Random) -> int:
        """What is shown of a hidden piece."""
        drawn = rng.random()
        if drawn < MASKED:
            return self.mask
        return rng.choice(self.others) if drawn < MASKED + REPLACED else piece

    def tensors(
        self, texts: Sequence[Text], rng: random.Random, where: torch.device
    ) -> tuple[Tensor, Tensor, Tensor]:
        """ids, mask and what is wanted of a batch: int64 [batch, length]."""
        length = max(len(text.ids) for text in texts)
        found = torch.zeros(3, len(texts), length, dtype=torch.int64)
        found[2] = IGNORED
        for row, text in enumerate(texts):
            shown, wanted = self.hide(text, rng)
            found[:, row, : len(shown)] = torch.tensor([shown, [1] * len(shown), wanted])
        return tuple(found.to(where))


def _cut(run: list[int], rng: random.Random) -> list[list[int]]:
    """A run of Chinese as pieces that are hidden together."""
    parts = []
    while run:
        (length,) = rng.choices(range(1, len(LENGTHS) + 1), LENGTHS)
        parts.append(run[:length])
        run = run[length:]
    return parts


class Loss:
    """The mean loss of a batch of text indices, hidden anew each time."""

    def __init__(self, network: MaskedModel, masker: Masker, texts: Sequence[Text]) -> None:
        self.network, self.masker, self.texts = network, masker, texts

    def __call__(self, rows: list[int]) -> Tensor:
        rng = random.Random(int(torch.randint(2**31, ())))  # so that torch's state says it all
        some = [self.texts[i] for i in rows]
        return self.network.costs(*self.masker.tensors(some, rng, device(self.network))).mean()


def likelihood(network: MaskedModel, masker: Masker, texts: Sequence[Text]) -> float:
    """The mean log-likelihood of hidden pieces, the same ones at each call."""
    rng, order = random.Random(0), sorted(texts, key=lambda text: len(text.ids))
    costs = []
    with torch.inference_mode():
        for start in range(0, len(order), AT_ONCE):
            given = masker.tensors(order[start : start + AT_ONCE], rng, device(network))
            costs.append(network.costs(*given))
    return -float(torch.cat(costs).mean())
