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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer
from torch import nn

from triton_models.contract import ModelContract, load, sha256
from triton_models.kinds import KINDS
from triton_models.serving import check_texts, model_folder
from triton_models.serving.agreement import agreements, largest
from triton_models.serving.check_texts import Check
from triton_models.serving.precision import Batch
from triton_models.serving.quantize import quantize
from triton_models.serving.served import ServedModel
from triton_models.settings import LANGUAGES, MAX_BATCH_SIZE
from triton_models.text import encode, real
from triton_models.training import lengths, networks
from triton_models.training.checkpoints import require_checkpoint
from triton_models.training.run_card import language_of
from triton_models.training.vocabulary import bare_tokenizer

OPSET = 20
FP32_TOLERANCE = 1e-4  # largest difference between the network and its ONNX file


@dataclass(frozen=True)
class Checked:
    """How far a model folder's answers are from the network's.

    Attributes:
        differences: the largest, by precision.
        texts: the number of texts that both were asked.
        of: where the texts are from.
        agreement: in int8, in the words of the kind; "" in float32.
    """

    differences: dict[str, float]
    texts: int
    of: str
    agreement: str = ""

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.2g}" for name, value in self.differences.items())
        beside = f"; {self.agreement}" if self.agreement else ""
        return f"largest difference from the network: {shown}{beside}; {self.texts} {self.of}"


def export(
    checkpoint: Path,
    kind: str,
    out: Path,
    precision: str = "int8",
    texts: Path | None = None,
    name: str | None = None,
    length: int = 0,
) -> Checked:
    """Write the model folder `out`.

    Args:
        texts: a file of queries like those to come, as `predict` reads it, to check on; by default
            the dev side that the run left, or else a few English queries.
        name: what the model is called; by default its kind.
        length: the tokens that it reads; 0 takes what the checkpoint was trained for.

    Raises UsageError for a folder that is no checkpoint, or an `out` that must stay, RuntimeError
    if the answers differ: in float32 by more than rounding, in int8 so much that they say something
    else.
    """
    model_folder.require_own(out, kind)
    require_checkpoint(checkpoint)
    networks.quiet()
    network = networks.load(checkpoint, kind).eval()
    tokenizer = bare_tokenizer(checkpoint)
    lengths.settle(network, tokenizer, length or length_in(network), ())
    checks, of = check_texts.of(checkpoint, kind, texts)
    with quietly(), tempfile.TemporaryDirectory(dir=_parent(out)) as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        bare_tokenizer(checkpoint).save(str(folder / "tokenizer.json"))
        write_onnx(network, kind, folder / "model.onnx", outputs_of(checkpoint, kind))
        asked = batches(tokenizer, kind, checks)
        expected, found = of_network(network, kind, asked), of_file(ServedModel(folder), asked)
        differences = {"fp32": largest(expected, found)}
        if not differences["fp32"] <= FP32_TOLERANCE:  # NaN too
            raise RuntimeError(
                f"the ONNX file differs from the network by {differences['fp32']:.2g}"
            )
        told = ""
        if precision == "int8":
            shutil.copyfile(folder / "model.onnx", folder / "float32.onnx")
            quantize(folder / "model.onnx")
        write_contract(checkpoint, network, kind, folder, out, name or kind)
        if precision == "int8":
            served = ServedModel(folder)  # which reads the texts as its contract says
            found = of_file(served, batches(served.tokenizer, kind, checks))
            differences["int8"] = largest(expected, found)
            told = require_agreement(load(folder), expected, found)
        model_folder.publish(folder, out, kind)
    return Checked(differences, len(checks), of, told)


def length_in(network: nn.Module) -> int:
    """The tokens that a network reads."""
    return networks.length_of(networks.config_in(network))


def outputs_of(checkpoint: Path, kind: str) -> list[str]:
    """The names of a checkpoint's outputs, those of further heads after that of its kind."""
    about = KINDS[kind].part("network").contract(checkpoint, {})
    further = [*about.get("heads", {}).values(), *([about["tags"]] if "tags" in about else [])]
    return [KINDS[kind].output, *(head["output"] for head in further)]


def write_onnx(network: nn.Module, kind: str, path: Path, outputs: Sequence[str]) -> None:
    """The network as an ONNX file with a dynamic batch and length, opset `OPSET`."""
    inputs, longest = networks.inputs_of(network, kind), length_in(network)
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in inputs)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=longest)}
    program = torch.onnx.export(
        network,
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_shapes={name: axes for name in inputs},
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


def batches(tokenizer: Tokenizer, kind: str, asked: Sequence[Check]) -> list[Batch]:
    """The check texts as a model reads them.

    Each goes with another in its batch, the first and the last of them in length, so that padding
    is checked too.
    """
    found = []
    for one, other in zip(asked, reversed(asked), strict=True):
        terms = [one.term, other.term] if KINDS[kind].pair else None
        found.append(encode(tokenizer, [one.text, other.text], terms))
    return found


def of_network(network: nn.Module, kind: str, asked: Sequence[Batch]) -> list[np.ndarray]:
    """The network's answer to the first text of each batch: of each output [texts, dimension], of
    one that has a row for each token [tokens, dimension].
    """
    names, said = networks.inputs_of(network, kind), []
    for batch in asked:
        with torch.no_grad():
            own = network(*(torch.from_numpy(batch[name]) for name in names))
        said.append([one.numpy() for one in (own if isinstance(own, tuple) else (own,))])
    return _joined(said, asked)


def of_file(served: ServedModel, asked: Sequence[Batch]) -> list[np.ndarray]:
    """The same of the ONNX file."""
    return _joined([served.each(batch) for batch in asked], asked)


def _joined(said: Sequence[Sequence[np.ndarray]], asked: Sequence[Batch]) -> list[np.ndarray]:
    """Of each output the answers to the first texts; `said` has the outputs of each batch."""
    masks = [batch["attention_mask"][:1] for batch in asked]
    return [
        np.concatenate([real(one[:1], mask) for one, mask in zip(output, masks, strict=True)])
        for output in zip(*said, strict=True)
    ]


def require_agreement(
    contract: ModelContract, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> str:
    """How far int8 answers say what the network's say, in the words of the kind; both of each
    output.

    Raises RuntimeError where that is too little.
    """
    told = agreements(contract, expected, found)
    for one in told:
        if not one.enough:
            of = f", in {one.head}," if one.head else ""
            raise RuntimeError(
                f"the int8 file agrees with the network{of} on {one.value:.1%} only,"
                f" {one.least:.0%} are needed; export with --precision fp32"
            )
    return ", ".join(map(str, told))


def write_contract(
    checkpoint: Path, network: nn.Module, kind: str, folder: Path, out: Path, name: str
) -> None:
    """model.json, by which the worker checks what it is served; `out` is where it will lie."""
    about = checkpoint / "training.json"
    trained = json.loads(about.read_text()) if about.is_file() else {}
    spec = KINDS[kind]
    contract = {
        "name": name,
        "version": 1,
        "kind": kind,
        "inputs": list(networks.inputs_of(network, kind)),
        "output": spec.output,
        **spec.part("network").contract(checkpoint, trained),
        "max_length": length_in(network),
        "max_batch_size": MAX_BATCH_SIZE,
        "tokenizer_sha256": sha256(folder / "tokenizer.json"),
        "onnx_sha256": sha256(folder / "model.onnx"),
    }
    if (language := language_of(checkpoint)["language"]) != LANGUAGES[0]:
        contract["language"] = language
    if (plain := folder / "float32.onnx").is_file():
        contract["float32_sha256"] = sha256(plain)
    contract["version"] = version_of(contract, out / "model.json")
    (folder / "model.json").write_text(json.dumps(contract, indent=2) + "\n")


def version_of(contract: dict[str, Any], before: Path) -> int:
    """The moment of the export: versions rise, and two models of a name differ in theirs. The same
    model again keeps its version; another is above what it replaces.
    """
    now = moment()
    try:
        old = json.loads(before.read_text(encoding="utf-8"))
        if old | {"version": 0} == contract | {"version": 0}:
            return old["version"]
        return max(now, old["version"] + 1)
    except (OSError, ValueError, TypeError, KeyError):
        return now


def moment() -> int:
    """The hundredth of a second in UTC, as 2026112821360742: of two exports one after the other it
    differs. Triton's versions have 64 bits; up to 2**53 a reader of JSON in floats is exact too.
    """
    return int(f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"[:16])


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
