"""Strongly typed ONNX for TensorRT by NVIDIA's ModelOpt, held against float32 before it is built.

TensorRT takes every type from the graph. FP16 and BF16 come from ModelOpt's autocast, INT8 as
Q/DQ nodes with FP16 around them. Two things stay as they are, since rounding them costs most and
saves least:

- sums, norms and the last activations (PLAIN) stay float32: a vector keeps its length of 1;
- in INT8 the products that narrow (the second of a feed-forward block, and heads) stay FP16: a
  few of their inputs are far larger than the rest, and one scale for all would drown these.
"""

from __future__ import annotations

import importlib
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triton_models.contract import ModelContract
from triton_models.serving.agreement import Agreement, agreements, largest
from triton_models.serving.predict import Asked
from triton_models.text import encode, real

PRECISIONS = ("fp16", "bf16", "int8")
PLAIN = (
    "LayerNormalization", "Softmax", "Sigmoid", "ReduceSum", "ReduceL2", "Div", "Sub", "Abs",
    "Clip", "Expand",
)  # fmt: skip
MOST = 512  # texts to measure ranges on, and as many others to check on
ROWS = 32  # texts of a batch
EMULATED = 2  # batches of a check in BF16, which ONNX Runtime does not know on a CPU

Batch = dict[str, np.ndarray]
# Of each output, in the order of `ModelContract.shapes`: float32 [texts, dimension], of one that
# answers by token [tokens, dimension].
Answers = list[np.ndarray]


@dataclass(frozen=True)
class Parity:
    """How near the typed graph's answers are to those in float32.

    Attributes:
        agreements: of each output, in the order of `ModelContract.shapes`.
        rows: of the first output, by `unit`.
        largest: the largest difference of any output.
    """

    agreements: tuple[Agreement, ...]
    rows: int
    unit: str
    largest: float

    def __str__(self) -> str:
        told = ", ".join(map(str, self.agreements))
        return (
            f"{told}, largest difference {self.largest:.2g} from float32 on {self.rows} {self.unit}"
        )


def batches(contract: ModelContract, asked: Sequence[Asked]) -> tuple[list[Batch], list[Batch]]:
    """Inputs to measure ranges on, and others to check on: int64 [rows, length bucket].

    A query without a term, where the model reads pairs, goes with the query after it.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(contract.tokenizer))
    tokenizer.enable_truncation(contract.max_length)
    pairs = [
        (one.form, one.term or other.form)
        for one, other in zip(asked, [*asked[1:], *asked[:1]], strict=True)
    ]
    step = max(1, len(pairs) // (2 * MOST))
    chosen = pairs[::step][: 2 * MOST]

    def padded(mine: list[tuple[str, str]]) -> Iterator[Batch]:
        mine = sorted(mine, key=lambda pair: len("".join(pair)))
        for start in range(0, len(mine), ROWS):
            texts, terms = zip(*mine[start : start + ROWS], strict=True)
            arrays = encode(tokenizer, texts, terms if contract.spec.pair else None)
            yield {name: arrays[name] for name in contract.inputs}

    return list(padded(chosen[::2])), list(padded(chosen[1::2] or chosen))


def typed(plain: Path, precision: str, measured: Sequence[Batch], scratch: Path):
    """The float32 graph of a file at one of PRECISIONS: an onnx.ModelProto, its output float32.

    Args:
        measured: inputs on which the ranges are measured.
        scratch: an empty folder, for what ModelOpt reads and writes.
    """
    import onnx

    if precision == "int8":
        return _quantized(plain, measured, scratch)
    for number, batch in enumerate(measured):
        np.savez(scratch / f"{number:04}.npz", **batch)
    with _quietly():
        autocast = importlib.import_module("modelopt.onnx.autocast")
        model = autocast.convert_to_mixed_precision(
            str(plain),
            low_precision_type=precision,
            keep_io_types=True,
            op_types_to_exclude=list(PLAIN),
            calibration_data=str(scratch),
        )
    onnx.checker.check_model(model)
    return model


def _quantized(plain: Path, measured: Sequence[Batch], scratch: Path):
    import onnx

    out = scratch / "int8.onnx"
    with _quietly():
        quantization = importlib.import_module("modelopt.onnx.quantization")
        quantization.quantize(
            str(plain),
            quantize_mode="int8",
            calibration_method="max",
            calibration_data_reader=_reader(measured),
            calibration_eps=["cpu"],
            nodes_to_exclude=narrowing(onnx.load(plain)),
            op_types_to_exclude_fp16=list(PLAIN),
            high_precision_dtype="fp16",
            output_path=str(out),
            log_level="ERROR",
        )
    return onnx.load(out)


def narrowing(model) -> list[str]:
    """Names of the products with a weight of more rows than columns."""
    shapes = {i.name: tuple(i.dims) for i in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "Gemm"):
            continue
        shape = shapes.get(node.input[1], ())
        turned = any(a.name == "transB" and a.i for a in node.attribute)
        rows, columns = (shape[::-1] if turned else shape) if len(shape) == 2 else (0, 0)
        if rows > columns:
            found.append(node.name)
    return found


def _reader(measured: Sequence[Batch]):
    """The batches as ONNX Runtime's calibration takes them."""
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rewind()

        def get_next(self) -> Batch | None:
            return next(self.left, None)

        def get_first(self) -> Batch:
            return measured[0]

        def rewind(self) -> None:
            self.left = iter(measured)

    return Reader()


def parity(
    contract: ModelContract,
    expected: Sequence[Answers],
    model,
    precision: str,
    asked: Sequence[Batch],
) -> Parity:
    """The typed graph held against the float32 answers to the same batches, in ONNX Runtime.

    ONNX Runtime has no BF16 on a CPU: that is worked out by ONNX's own reference, slowly and with
    every step rounded, so it is a little worse than on a GPU.

    Raises:
        RuntimeError: the answers are too far apart to be served.
    """
    emulated = precision == "bf16"
    if emulated:
        step = max(1, len(asked) // EMULATED)
        asked, expected = (some[::step][:EMULATED] for some in (asked, expected))
    return held(contract, precision, expected, each(contract, model, asked, emulated))


def held(
    contract: ModelContract,
    precision: str,
    expected: Sequence[Answers],
    found: Sequence[Answers],
) -> Parity:
    """How near answers are to those in float32, both of the same batches, as `each` gives them.

    Raises:
        RuntimeError: those of an output are too far apart to be served.
    """
    mine, theirs = joined(expected), joined(found)
    told = Parity(
        tuple(agreements(contract, mine, theirs)),
        len(mine[0]),
        "tokens" if contract.spec.by_token else "texts",
        largest(mine, theirs),
    )
    if not all(one.enough for one in told.agreements):
        raise RuntimeError(
            f"{contract.name}: {precision} answers are too far from float32 ({told});"
            " choose another --precision"
        )
    return told


def joined(batches: Sequence[Answers]) -> Answers:
    """The answers to all batches, of each output by itself."""
    return [np.concatenate(output) for output in zip(*batches, strict=True)]


def each(
    contract: ModelContract, model, asked: Iterable[Batch], emulated: bool = False
) -> list[Answers]:
    """What a file or a graph answers to each batch in ONNX Runtime."""
    if emulated:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(model)
    else:
        from onnxruntime import InferenceSession

        session = InferenceSession(model if isinstance(model, str) else model.SerializeToString())
    outputs = list(contract.shapes)
    return [
        [
            real(one, batch["attention_mask"]).astype(np.float32)
            for one in session.run(outputs, batch)
        ]
        for batch in asked
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without ModelOpt's many lines: it writes to both streams, past its own level of logging."""
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
