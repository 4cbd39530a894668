"""Integrated gradients on a torch checkpoint: a second opinion on a word's effect."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from triton_models.explanation.explain import Explanation, Word, place
from triton_models.settings import UsageError
from triton_models.text import special
from triton_models.training import networks
from triton_models.training.networks import inputs_of
from triton_models.training.vocabulary import bare_tokenizer

STEPS = 128  # of the integral, midpoints; enough that the effects add up within about 0.01


def add(explanation: Explanation, checkpoint: Path) -> tuple[Explanation, float]:
    """The explanation with each word's `gradient`, and the checkpoint's own answer.

    The effects are those of the word embeddings along the straight line from [PAD] in the place
    of every word of its part to the words themselves; they add up to the difference of the two
    answers. ([PAD] agrees better with what happens when words go than [MASK] does.)

    Raises:
        UsageError: the folder holds no such network, or it has no such label.
    """
    kind = explanation.kind
    tokenizer = bare_tokenizer(checkpoint)
    networks.quiet()
    network = networks.load(checkpoint, kind).eval()
    tokenizer.enable_truncation(networks.length_of(networks.config_in(network)))
    column = _column(checkpoint, explanation.label)
    texts = [explanation.query] + ([] if explanation.term is None else [explanation.term])
    encoding = tokenizer.encode(*texts)
    words = place(encoding, texts)
    arrays = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    inputs = [torch.tensor([arrays[name]]) for name in inputs_of(network, kind)]
    pad, effects = special(tokenizer, "pad") or 0, torch.zeros(len(encoding.ids))
    for part in {word.part for word in words}:
        blank = inputs[0].clone()
        blank[0, [i for word in words if word.part == part for i in word.tokens]] = pad
        effects += integrate(network, inputs, blank, column)
    with torch.inference_mode():
        answer = float(_first(network(*inputs))[0, column])
    return replace(explanation, words=_told(explanation.words, words, effects)), answer


def integrate(
    network: nn.Module, inputs: Sequence[Tensor], baseline: Tensor, column: int, steps: int = STEPS
) -> Tensor:
    """Each token's effect on output `column`: float32 [length].

    Args:
        inputs: the network's own, the token ids first, each int64 of shape [1, length].
        baseline: token ids where the path begins, int64 [1, length].
    """
    table = _table(network)
    with torch.no_grad():
        start, end = table(baseline), table(inputs[0])
    total = torch.zeros_like(end)
    middles = (torch.arange(steps) + 0.5) / steps
    for part in middles.split(32):
        points = (start + part[:, None, None] * (end - start)).requires_grad_()
        with _embedded(table, points):
            found = network(*(x.expand(len(part), -1) for x in inputs))
            answers = _first(found)[:, column]
        total += torch.autograd.grad(answers.sum(), points)[0].sum(dim=0)
    return ((end - start) * total / steps).sum(dim=-1)[0]


def _first(found: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The output of the kind; others are those of further heads."""
    return found[0] if isinstance(found, tuple) else found


def _table(network: nn.Module) -> nn.Embedding:
    inner = network.classifier if hasattr(network, "classifier") else network.bert
    return inner.get_input_embeddings()


@contextmanager
def _embedded(table: nn.Embedding, vectors: Tensor):
    """While open, the network reads `vectors` whatever ids it is given."""
    hook = table.register_forward_hook(lambda *_: vectors)
    try:
        yield
    finally:
        hook.remove()


def _column(checkpoint: Path, label: str | None) -> int:
    if label is None:
        return 0
    labels = networks.labels(checkpoint)
    if label not in labels:
        raise UsageError(
            f"{checkpoint}: has no label {label}; give the checkpoint that the model came from"
        )
    return labels.index(label)


def _told(told: Sequence[Word], words: Sequence[Word], effects: Tensor) -> tuple[Word, ...]:
    sums = [float(effects[list(word.tokens)].sum()) for word in words]
    return tuple(replace(word, gradient=value) for word, value in zip(told, sums, strict=True))
