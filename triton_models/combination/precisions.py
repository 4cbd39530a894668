"""One ONNX file in several precisions: what `table` compares, and `export` chose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

from triton_models.serving.quantize import matrix_of, quantize

Batch = dict[str, np.ndarray]  # the inputs of one call, by name


def float16(path: Path, _: Sequence[Batch]) -> None:
    """Weights and states in float16; on a processor that lacks it ONNX Runtime computes in 32."""
    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def by_row(path: Path, _: Sequence[Batch]) -> None:
    """int8 with a scale for each token: what `export` writes."""
    quantize(path)


def by_call(path: Path, _: Sequence[Batch]) -> None:
    """ONNX Runtime's dynamic int8: one scale for all that shares a call."""
    _quantize_dynamic(path, ["MatMul", "Gather"], _small(path))


def static(path: Path, batches: Sequence[Batch]) -> None:
    """int8 with scales fixed beforehand, by what `batches` show; softmax and norms in float32."""
    _quantize_dynamic(path, ["Gather"], [])
    quantize_static(
        path,
        path,
        _Batches(batches),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=_small(path),
        extra_options={"MatMulConstBOnly": True, "WeightSymmetric": True},
    )


PRECISIONS: dict[str, Callable[[Path, Sequence[Batch]], None]] = {
    "float32": lambda path, batches: None,
    "float16": float16,
    "int8": by_row,
    "int8 by call": by_call,
    "int8 static": static,
}


class _Batches(CalibrationDataReader):
    def __init__(self, batches: Sequence[Batch]) -> None:
        self.left: Iterator[Batch] = iter(batches)

    def get_next(self) -> Batch | None:
        return next(self.left, None)


def _quantize_dynamic(path: Path, kinds: Sequence[str], excluded: Sequence[str]) -> None:
    quantize_dynamic(
        path,
        path,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=list(kinds),
        nodes_to_exclude=list(excluded),
    )


def _small(path: Path) -> list[str]:
    """The products and tables that are left in float32, as `quantize` leaves them."""
    graph = onnx.load(path).graph
    weights = {i.name: i for i in graph.initializer}
    kinds = {"MatMul": "", "Gemm": "_MatMul", "Gather": ""}  # as the quantizer will call them
    return [
        node.name + kinds[node.op_type]
        for node in graph.node
        if node.op_type in kinds and matrix_of(node, weights) is None
    ]
