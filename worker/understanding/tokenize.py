"""Text to padded token batches, one length bucket each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from triton_models.contract import ModelContract
from worker.errors import ConfigError


@dataclass(frozen=True)
class TokenBatch:
    """Sequences that travel in one model call.

    Attributes:
        rows: positions of the sequences in the caller's list.
        inputs: name → int64, shape [batch, bucket].
        fill: tokens over padded tokens.
    """

    rows: list[int]
    inputs: dict[str, np.ndarray]
    fill: float


def _load(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower class
        raise ConfigError(
            f"inference.models: {path} is no tokenizer of the `tokenizers` library ({error}): "
            "export the model again"
        ) from None


class QueryTokenizer:
    """The tokenizer of one model; releases the GIL while it works.

    Raises:
        ConfigError: its file is not of the `tokenizers` library.
    """

    def __init__(self, contract: ModelContract) -> None:
        self._inputs = contract.inputs
        # Few lengths, so that Triton can batch requests together and TensorRT needs few profiles.
        self._buckets = contract.length_buckets
        self._max_batch = contract.max_batch_size
        self._tokenizer = _load(contract.tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(contract.max_length)

    def encode(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> list[Encoding]:
        """Token ids with special tokens, cut to the model's length; pairs become one sequence."""
        return self._tokenizer.encode_batch_fast(list(texts))

    def batches(self, encodings: Sequence[Encoding], rows: Sequence[int]) -> Iterator[TokenBatch]:
        """The sequences at `rows`, grouped by length bucket, none over the model's batch."""
        lengths = {row: len(encodings[row]) for row in rows}
        remaining = sorted(rows, key=lengths.__getitem__)
        for bucket in self._buckets:
            inside = [row for row in remaining if lengths[row] <= bucket]
            remaining = remaining[len(inside) :]
            for start in range(0, len(inside), self._max_batch):
                yield self._batch(encodings, inside[start : start + self._max_batch], bucket)

    def _batch(self, encodings: Sequence[Encoding], rows: list[int], length: int) -> TokenBatch:
        inputs = {name: np.zeros((len(rows), length), np.int64) for name in self._inputs}
        tokens = 0
        for position, row in enumerate(rows):
            ids = encodings[row].ids
            tokens += len(ids)
            inputs["input_ids"][position, : len(ids)] = ids
            inputs["attention_mask"][position, : len(ids)] = 1
            if "token_type_ids" in inputs:
                inputs["token_type_ids"][position, : len(ids)] = encodings[row].type_ids
        return TokenBatch(rows, inputs, tokens / (len(rows) * length))
