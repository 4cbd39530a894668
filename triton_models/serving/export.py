"""A trained checkpoint to a model folder: ONNX, checked against the network, int8 if asked.

A checkpoint folder holds config.json, model.safetensors and tokenizer.json. One that lacks
`training.json` (your own BERT) is exported all the same.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from triton_models.contract import INPUTS, sha256
from triton_models.serving.quantize import quantize
from triton_models.serving.served import ServedModel
from triton_models.settings import MAX_BATCH_SIZE, MAX_LENGTH, OUTPUT, UsageError
from triton_models.text import encode
from triton_models.training import networks
from triton_models.training.vocabulary import bare_tokenizer

OPSET = 20
FP32_TOLERANCE = 1e-4  # largest difference between the network and its ONNX file
CHECK_TEXTS = ("red running shoes", "wher is my order", "sony wh-1000xm5", "a", "gift " * 30)


def export(checkpoint: Path, kind: str, out: Path, precision: str = "int8") -> dict[str, float]:
    """Write the model folder `out`; returns how far its answers are from the network's.

    Raises UsageError for a folder that is no checkpoint, RuntimeError if the answers differ.
    """
    for name in ("config.json", "tokenizer.json"):
        if not (checkpoint / name).is_file():
            raise UsageError(f"{checkpoint} has no {name}: give the folder of a BERT checkpoint")
    networks.quiet()
    network = networks.load(checkpoint, kind).eval()
    with quietly(), tempfile.TemporaryDirectory(dir=_parent(out)) as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        bare_tokenizer(checkpoint).save(str(folder / "tokenizer.json"))
        write_onnx(network, kind, folder / "model.onnx")
        differences = {"fp32": check(network, kind, folder, FP32_TOLERANCE)}
        if precision == "int8":
            quantize(folder / "model.onnx")
            differences["int8"] = check(network, kind, folder, None)
        write_contract(checkpoint, kind, folder)
        publish(folder, out)
    return differences


def write_onnx(network: nn.Module, kind: str, path: Path) -> None:
    """The network as an ONNX file with a dynamic batch and length, opset `OPSET`."""
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in INPUTS[kind])
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=MAX_LENGTH)}
    program = torch.onnx.export(
        network,
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS[kind]),
        output_names=[OUTPUT[kind]],
        dynamic_shapes={name: axes for name in INPUTS[kind]},
        verbose=False,
    )
    model = program.model_proto
    del model.graph.value_info[:]  # stale after optimisation, and the quantizer trusts it
    _without_traces(model)
    onnx.save(model, path)


def _without_traces(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: they hold the paths of this machine, and half a megabyte."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]


def check(network: nn.Module, kind: str, folder: Path, tolerance: float | None) -> float:
    """The largest difference between the network's answers and the ONNX file's."""
    served = ServedModel(folder)
    largest = 0.0
    for text in CHECK_TEXTS:
        pair = ["sneakers", text] if kind == "matching" else None
        arrays = encode(served.tokenizer, [text, "shoes"], pair)
        inputs = [torch.from_numpy(arrays[name]) for name in INPUTS[kind]]
        with torch.no_grad():
            expected = network(*inputs).numpy()
        largest = max(largest, float(np.abs(served.infer(arrays) - expected).max()))
    if tolerance is not None and largest > tolerance:
        raise RuntimeError(f"the ONNX file differs from the network by {largest:.2g}")
    return largest


def write_contract(checkpoint: Path, kind: str, folder: Path) -> None:
    """model.json, by which the worker checks what it is served."""
    about = checkpoint / "training.json"
    trained = json.loads(about.read_text()) if about.is_file() else {}
    labels = list(networks.labels(checkpoint)) if kind == "intent" else []
    size = json.loads((checkpoint / "config.json").read_text())["hidden_size"]
    contract = {
        "name": kind,
        "version": trained.get("version", 1),
        "kind": kind,
        "inputs": list(INPUTS[kind]),
        "output": OUTPUT[kind],
        "dimension": {"intent": len(labels), "encoder": size, "matching": 1}[kind],
        "labels": labels,
        "max_length": MAX_LENGTH,
        "max_batch_size": MAX_BATCH_SIZE,
        "tokenizer_sha256": sha256(folder / "tokenizer.json"),
        "onnx_sha256": sha256(folder / "model.onnx"),
    }
    if kind == "intent" and networks.is_multi(checkpoint):
        contract["multi"] = True
    if kind == "matching":
        contract["threshold"] = trained.get("threshold", 0.5)
    (folder / "model.json").write_text(json.dumps(contract, indent=2) + "\n")


def publish(folder: Path, out: Path) -> None:
    """Move a finished folder to its place in one step; an older one's card is kept."""
    card = out / "CARD.md"
    if card.is_file():
        shutil.copy(card, folder / "CARD.md")
    old = folder.with_name("old")
    if out.exists():
        out.rename(old)
    folder.rename(out)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the exporter's and the quantizer's warnings, which concern nobody here."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _parent(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent
