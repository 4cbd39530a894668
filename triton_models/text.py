"""Text to the int64 arrays that the models take, padded to a length bucket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Encoding, Tokenizer

from triton_models.settings import BUCKETS, MAX_LENGTH


def encode(
    tokenizer: Tokenizer, texts: Sequence[str], terms: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Sequences `[CLS] text [SEP]`, or `[CLS] text [SEP] term [SEP]` when terms are given.

    Returns input_ids, attention_mask and token_type_ids: int64, shape [batch, length], the
    length being the smallest bucket that holds the longest sequence.
    """
    tokenizer.enable_truncation(MAX_LENGTH)
    pairs = list(texts) if terms is None else list(zip(texts, terms, strict=True))
    return arrays_of(tokenizer.encode_batch(pairs))


def arrays_of(encodings: Sequence[Encoding]) -> dict[str, np.ndarray]:
    """The same of sequences that are encoded already."""
    length = bucket(max(len(e.ids) for e in encodings))
    arrays = np.zeros((3, len(encodings), length), dtype=np.int64)
    for row, e in enumerate(encodings):
        arrays[:, row, : len(e.ids)] = (e.ids, e.attention_mask, e.type_ids)
    return dict(zip(("input_ids", "attention_mask", "token_type_ids"), arrays, strict=True))


def real(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Answers without those to padding: [rows, dimension], as they are unless they are by token."""
    return values[mask > 0] if values.ndim == 3 else values


def bucket(length: int) -> int:
    """The smallest length bucket that holds `length` tokens."""
    return next(b for b in BUCKETS if b >= length)
