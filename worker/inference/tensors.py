"""What every implementation demands of a batch and of an answer, so that all behave alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.values import TOLERANCE
from worker.errors import InvalidAnswer, ModelRejected

SAME_ROWS = 8
DYNAMIC = -1  # a size that is not fixed, in shapes of the contract and of servers


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


def check_answers(
    contract: ModelContract,
    inputs: Mapping[str, np.ndarray],
    values: Sequence[np.ndarray | None],
) -> tuple[np.ndarray, np.ndarray | None]:
    """The outputs of a model, given in the order of its contract's `shapes`.

    Returns:
        All but the tags beside each other, float32, shape [rows, …, the sum of their sizes]; and
        the tags, [rows, length, labels], None where the model has none.

    Raises:
        InvalidAnswer: as `check_answer`, or those of a further head are no probabilities.
    """
    found = [check_answer(contract, inputs, values[0])]
    rows, length = inputs[contract.inputs[0]].shape
    for (name, sizes), value in zip(list(contract.shapes.items())[1:], values[1:], strict=True):
        shape = (rows, *(length if size == DYNAMIC else size for size in sizes))
        fits = value is not None and value.dtype == np.float32 and value.shape == shape
        if not fits or not np.isfinite(value).all() or value.min() < -TOLERANCE:
            fault = f"{name} holds no probabilities, float32 {list(shape)}"
            raise InvalidAnswer(contract.name, fault)
        found.append(value)
    tags = found.pop() if contract.tags else None
    return np.concatenate(found, axis=-1) if len(found) > 1 else found[0], tags


def check_answer(
    contract: ModelContract, inputs: Mapping[str, np.ndarray], values: np.ndarray | None
) -> np.ndarray:
    """The answer itself, float32, shape [rows, dimension], or [rows, length, dimension] of a kind
    that answers by token, if such a model can give it.

    All values are finite. Probabilities are from 0 to 1 and those of one row sum to 1, unless a
    query may have several labels; vectors have unit length; scores are from 0 to 1. Of SAME_ROWS
    different inputs or more, not all have the same answer.

    Raises:
        InvalidAnswer: it is anything else.
    """
    rows, length = inputs[contract.inputs[0]].shape
    shape = (rows, *((length,) if contract.spec.by_token else ()), contract.dimension)
    if values is None:
        raise InvalidAnswer(contract.name, f"the answer has no output {contract.output}")
    if values.dtype != np.float32 or values.shape != shape:
        raise InvalidAnswer(
            contract.name,
            f"the answer is {values.dtype} {list(values.shape)}; expected float32 {list(shape)}",
        )
    if not np.isfinite(values).all():
        raise InvalidAnswer(contract.name, "the answer holds values that are not finite")
    if fault := contract.spec.part("answers").fault(contract, values):
        raise InvalidAnswer(contract.name, f"the answer holds {fault}")
    if rows >= SAME_ROWS and (values == values[0]).all() and _differ(inputs):
        # Parts of the batch may be too few to show it: it is not divided.
        fault = f"the same answer to all of {rows} inputs"
        raise InvalidAnswer(contract.name, fault, divisible=False)
    return values


def _differ(inputs: Mapping[str, np.ndarray]) -> bool:
    """Whether SAME_ROWS of the inputs differ from each other."""
    return len(np.unique(inputs["input_ids"], axis=0)) >= SAME_ROWS
