"""A model folder asked in this process as the worker asks it: same text, same padding, no torch.

A leaf that the worker may import.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from triton_models.contract import ModelContract
from triton_models.serving.served import ServedModel, contract_of
from triton_models.settings import UsageError, usable

BATCH = 16  # rows of one call; on a CPU larger ones are no faster
Tokens = tuple[Sequence[int], Sequence[int]]  # ids and types of one sequence, special ones included


class Predictor:
    """One model of the worker.

    Args:
        batch: rows of one call.

    Raises:
        UsageError: the folder's files cannot be used, or `batch` is over the contract's.
    """

    def __init__(self, contract: ModelContract, batch: int | None = None, threads: int = 1) -> None:
        if batch is not None and batch > contract.max_batch_size:
            most = contract.max_batch_size
            raise UsageError(f"{contract.folder}: its model.json allows --batch {most} at most")
        self.contract = contract
        self.batch = min(batch or BATCH, contract.max_batch_size)
        with usable(contract.folder, "export the model again"):
            self._served = ServedModel(contract.folder, threads, contract)
        self.tokenizer = self._served.tokenizer
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(contract.max_length)

    def encode(self, texts: Sequence[str], terms: Sequence[str] | None = None) -> list[Encoding]:
        """Tokens of queries, or of pairs when terms are given; cut to the model's length."""
        pairs = list(texts) if terms is None else list(zip(texts, terms, strict=True))
        return self.tokenizer.encode_batch(pairs)

    def run(
        self, texts: Sequence[str], terms: Sequence[str] | None = None, heads: bool = False
    ) -> np.ndarray | list:
        """Answers in the order of the texts: float32 [texts, dimension], or of a kind that answers
        by token a list of [length, dimension]. With `heads` those of further heads follow.
        """
        return self.answer([(e.ids, e.type_ids) for e in self.encode(texts, terms)], heads)

    def answer(self, sequences: Sequence[Tokens], heads: bool = False) -> np.ndarray | list:
        """The same from token ids; sequences of one length bucket share calls."""
        infer = self._served.infer_all if heads else self._served.infer
        answers: list[np.ndarray] = [np.empty(0)] * len(sequences)
        lengths = np.array([len(ids) for ids, _ in sequences])
        buckets = np.array(self.contract.length_buckets)
        place = np.searchsorted(buckets, lengths)
        for index, bucket in enumerate(buckets):
            rows = np.flatnonzero(place == index)
            rows = rows[np.argsort(lengths[rows], kind="stable")]
            for start in range(0, len(rows), self.batch):
                some = rows[start : start + self.batch]
                found = infer(_padded([sequences[i] for i in some], bucket))
                for i, values in zip(some, found, strict=True):
                    answers[i] = values
        if self.contract.spec.by_token:
            return answers
        sizes = self.contract.outputs.values()
        width = sum(sizes) if heads else self.contract.dimension
        return np.array(answers, np.float32).reshape(-1, width)


def load(folder: Path, kind: str, batch: int | None = None, threads: int = 1) -> Predictor:
    """The predictor of a model folder.

    Raises:
        ModelFolderError, UsageError: it is no model folder, of another kind, or cannot be run.
    """
    return Predictor(contract_of(folder, kind), batch, threads)


def _padded(sequences: Sequence[Tokens], length: int) -> dict[str, np.ndarray]:
    """int64 arrays of shape [sequences, length] by input name."""
    arrays = np.zeros((3, len(sequences), length), np.int64)
    for row, (ids, types) in enumerate(sequences):
        arrays[0, row, : len(ids)] = ids
        arrays[1, row, : len(ids)] = 1
        arrays[2, row, : len(ids)] = types
    return dict(zip(("input_ids", "attention_mask", "token_type_ids"), arrays, strict=True))
