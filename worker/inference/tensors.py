"""What every implementation demands of a batch and of an answer, so that all behave alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from triton_models.contract import ModelContract
from worker.errors import ModelRejected


def check_batch(contract: ModelContract, inputs: Mapping[str, np.ndarray]) -> int:
    """The number of rows of a batch that fits the contract.

    Raises `ModelRejected` unless the inputs are the model's own, int64, of one shape
    [batch, length] with 1 to `max_batch_size` rows and 1 to `max_length` tokens.
    """
    if inputs.keys() != set(contract.inputs):
        raise ModelRejected(
            contract.name,
            f"inputs {', '.join(sorted(inputs))}; the model takes {', '.join(contract.inputs)}",
        )
    shape = inputs[contract.inputs[0]].shape
    for name, tensor in inputs.items():
        if tensor.dtype != np.int64:
            raise ModelRejected(contract.name, f"{name} is {tensor.dtype}; the model takes int64")
        if tensor.shape != shape or tensor.ndim != 2:
            raise ModelRejected(
                contract.name, f"{name} has shape {list(tensor.shape)}; all must be [batch, length]"
            )
    rows, length = shape
    if not 0 < rows <= contract.max_batch_size:
        raise ModelRejected(
            contract.name, f"{rows} rows; the model takes 1 to {contract.max_batch_size}"
        )
    if not 0 < length <= contract.max_length:
        raise ModelRejected(
            contract.name, f"{length} tokens; the model takes 1 to {contract.max_length}"
        )
    return rows


def check_answer(contract: ModelContract, rows: int, values: np.ndarray | None) -> np.ndarray:
    """The answer itself: float32, shape [rows, dimension], finite.

    Raises `ModelRejected` when it is anything else.
    """
    if values is None:
        raise ModelRejected(contract.name, f"the answer has no output {contract.output}")
    if values.dtype != np.float32 or values.shape != (rows, contract.dimension):
        raise ModelRejected(
            contract.name,
            f"the answer is {values.dtype} {list(values.shape)};"
            f" expected float32 [{rows}, {contract.dimension}]",
        )
    if not np.isfinite(values).all():
        raise ModelRejected(contract.name, "the answer holds values that are not finite")
    return values
