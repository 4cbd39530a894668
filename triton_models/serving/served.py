"""A model folder run in process by ONNX Runtime: for evaluation, parity checks and tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from triton_models import contract
from triton_models.contract import ModelContract
from triton_models.settings import UsageError
from triton_models.text import encode

BATCH = 64  # rows of one call; on a CPU larger ones are no faster


def contract_of(folder: Path, kind: str) -> ModelContract:
    """The contract of a model folder; of an intent model with tags also as one of kind tagging.

    Raises:
        ModelFolderError, UsageError: it is no model folder, or of another kind.
    """
    found = contract.load(folder)
    if one := found.of_kind(kind):
        return one
    raise UsageError(
        f"{folder}: a model of kind {found.kind}, not {kind}; give --model another folder"
    )


class ServedModel:
    """The model of a folder that holds `model.onnx` and `tokenizer.json`.

    Args:
        contract: whose outputs are asked for; by default those that have as many axes as the first.
    """

    def __init__(
        self, folder: Path, threads: int = 1, contract: ModelContract | None = None
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        self.inputs = [i.name for i in self.session.get_inputs()]
        every = self.session.get_outputs()
        alike = [o.name for o in every if len(o.shape) == len(every[0].shape)]
        self.outputs = list(contract.outputs) if contract else alike
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if (about := folder / "model.json").is_file():
            self.tokenizer.enable_truncation(json.loads(about.read_text())["max_length"])

    def run(
        self, texts: Sequence[str], terms: Sequence[str] | None = None, heads: bool = False
    ) -> np.ndarray | list:
        """Answers in the order of the texts: float32 [texts, dimension], or of a kind that answers
        by token a list of [length, dimension]. With `heads` those of further heads follow.

        Texts of like length share a batch, as in the worker, so little is spent on padding.
        """
        order = sorted(
            range(len(texts)), key=lambda i: len(texts[i]) + len(terms[i] if terms else "")
        )
        parts = []
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            pair = None if terms is None else [terms[i] for i in rows]
            infer = self.infer_all if heads else self.infer
            parts.append(infer(encode(self.tokenizer, [texts[i] for i in rows], pair)))
        back = np.argsort(order)
        if parts[0].ndim == 3:
            rows = [row for part in parts for row in part]
            return [rows[i] for i in back]
        return np.concatenate(parts)[back]

    def infer(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """One batch of encoded text: float32 [batch, dimension], or [batch, length, dimension]."""
        return self.each(arrays, self.outputs[:1])[0]

    def infer_all(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """The same of all `outputs`, beside each other in the order of the contract."""
        found = self.each(arrays, self.outputs)
        return found[0] if len(found) == 1 else np.concatenate(found, axis=-1)

    def each(
        self, arrays: dict[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> list[np.ndarray]:
        """One batch's outputs by themselves, by default all that the file has."""
        return self.session.run(outputs, {name: arrays[name] for name in self.inputs})
