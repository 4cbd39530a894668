"""How many tokens of a text, or of a pair, a network reads: as many as its data has.

Kept in the checkpoint's config, from which `export` writes it into the contract. The worker's
batches are padded to the buckets below it, so that a long one costs short queries nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from torch import nn

from triton_models.settings import UsageError
from triton_models.training import families, networks

READ_WHOLE = 99.9  # percentile of the lengths
STEP = 8
SHORTEST = 32  # few or short texts do not say that a longer one never comes


def settle(
    network: nn.Module,
    tokenizer: Tokenizer,
    wanted: int,
    texts: Sequence[str],
    terms: Sequence[str] | None = None,
) -> int:
    """Make a network and its tokenizer read `wanted` tokens, with 0 as many as nearly all of these
    texts or pairs have; returns how many.

    Raises UsageError when the checkpoint has fewer positions than are wanted.
    """
    config = networks.config_in(network)
    most = families.of(config).longest(config)
    if wanted > most:
        raise UsageError(f"--length {wanted}: the checkpoint has positions for {most}; give less")
    length = wanted or min(most, fitting(tokenizer, texts, terms))
    setattr(config, networks.LENGTH, length)
    tokenizer.enable_truncation(length)
    return length


def fitting(tokenizer: Tokenizer, texts: Sequence[str], terms: Sequence[str] | None = None) -> int:
    """The length that holds `READ_WHOLE` percent of texts or pairs, a multiple of `STEP`."""
    tokenizer.no_truncation()
    pairs = list(texts) if terms is None else list(zip(texts, terms, strict=True))
    lengths = [len(found) for found in tokenizer.encode_batch(pairs)] or [SHORTEST]
    usual = np.percentile(lengths, READ_WHOLE, method="higher")
    return max(SHORTEST, -(-int(usual) // STEP) * STEP)
