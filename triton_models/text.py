"""Text to the int64 arrays that the models take, padded to a length bucket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Encoding, Tokenizer

from triton_models.settings import MAX_LENGTH, buckets

# What the special tokens are called, in BERT's family and in RoBERTa's.
SPECIAL = {
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "mask": ("[MASK]", "<mask>"),
}


def encode(
    tokenizer: Tokenizer, texts: Sequence[str], terms: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Sequences with the tokenizer's special tokens, of texts or of pairs of a text and a term.

    They are cut to the tokenizer's own truncation, MAX_LENGTH where it has none.

    Returns input_ids, attention_mask and token_type_ids: int64, shape [batch, length], the
    length being the smallest bucket that holds the longest sequence.
    """
    longest = cut(tokenizer)
    pairs = list(texts) if terms is None else list(zip(texts, terms, strict=True))
    return arrays_of(tokenizer.encode_batch(pairs), longest)


def cut(tokenizer: Tokenizer) -> int:
    """The tokens that a tokenizer cuts to; one that does not is made to cut to MAX_LENGTH."""
    if tokenizer.truncation is None:
        tokenizer.enable_truncation(MAX_LENGTH)
    return tokenizer.truncation["max_length"]


def arrays_of(encodings: Sequence[Encoding], longest: int = MAX_LENGTH) -> dict[str, np.ndarray]:
    """The same of sequences that are encoded already, none of more tokens than `longest`."""
    length = bucket(max(len(e.ids) for e in encodings), longest)
    arrays = np.zeros((3, len(encodings), length), dtype=np.int64)
    for row, e in enumerate(encodings):
        arrays[:, row, : len(e.ids)] = (e.ids, e.attention_mask, e.type_ids)
    return dict(zip(("input_ids", "attention_mask", "token_type_ids"), arrays, strict=True))


def real(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Answers without those to padding: [rows, dimension], as they are unless they are by token."""
    return values[mask > 0] if values.ndim == 3 else values


def bucket(length: int, longest: int = MAX_LENGTH) -> int:
    """The smallest length bucket of a model of `longest` tokens that holds `length`."""
    return next(b for b in buckets(longest) if b >= length)


def special(tokenizer: Tokenizer, role: str) -> int | None:
    """The id of a special token of `SPECIAL`; None for a tokenizer without one."""
    found = (tokenizer.token_to_id(name) for name in SPECIAL[role])
    return next((i for i in found if i is not None), None)
