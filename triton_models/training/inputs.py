"""Texts as a network of torch reads them, in training and after it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.data.restyle import restyle
from triton_models.data.typos import ENGLISH, Typos, misspell
from triton_models.query_text import normal_form
from triton_models.text import encode

AT_ONCE = 128  # texts of a batch without gradients


def device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def tensors(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    where: torch.device,
    terms: Sequence[str] | None = None,
) -> list[Tensor]:
    """The ids and the mask of texts or pairs, of these the types too; no column is all padding."""
    return on_device(encode(tokenizer, texts, terms), where, 2 if terms is None else 3)


def on_device(arrays: dict[str, np.ndarray], where: torch.device, count: int) -> list[Tensor]:
    """The first `count` inputs as tensors, without columns that are all padding."""
    longest = int(arrays["attention_mask"].sum(axis=1).max())
    names = ("input_ids", "attention_mask", "token_type_ids")[:count]
    return [torch.from_numpy(arrays[name][:, :longest]).to(where) for name in names]


def asked(queries: Sequence[str]) -> list[str]:
    """Queries as the worker sends them: in their normal form. Terms and documents it leaves."""
    return list(map(normal_form, queries))


def restyled(texts: Sequence[str], share: float, language: str = "en") -> list[str]:
    """The texts, a share of them in another style, drawn as `misspelled` draws."""
    if not share:
        return list(texts)
    rng = random.Random(int(torch.randint(2**31, ())))
    return [restyle(text, rng, language) if rng.random() < share else text for text in texts]


def misspelled(texts: Sequence[str], share: float, typos: Typos = ENGLISH) -> list[str]:
    """The texts, a share of them with typos; what is drawn hangs on torch's generator alone."""
    rng = random.Random(int(torch.randint(2**31, ())))  # so that torch's state says it all
    return [misspell(text, rng, typos) if rng.random() < share else text for text in texts]


def answers(
    call: Callable[..., Tensor],
    network: nn.Module,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    terms: Sequence[str] | None = None,
) -> Tensor:
    """What a call of the network says of at least one text or pair: float32 [texts, …], in their
    order.

    Texts of like length are read together; gradients are not kept.
    """
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]) + len(terms[i] if terms else ""))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            pair = None if terms is None else [terms[i] for i in rows]
            given = tensors(tokenizer, [texts[i] for i in rows], device(network), pair)
            parts.append(call(*given).float().cpu())
    found = torch.empty_like(joined := torch.cat(parts))
    found[order] = joined
    return found
