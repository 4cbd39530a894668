"""Compare what a server serves with a model folder: every difference at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triton_models.contract import ModelContract
from triton_models.serving.repository import joined
from worker.errors import Fault
from worker.inference.tensors import DYNAMIC


@dataclass(frozen=True)
class Served:
    """One model as its server describes it.

    Attributes:
        inputs, outputs: name → text such as ``INT64 [-1, -1]``.
        parameters: the texts that `triton_models.serving.repository` writes into config.pbtxt.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    max_batch_size: int
    parameters: Mapping[str, str]


def compare(contract: ModelContract, served: Served) -> list[Fault]:
    """Every way in which `served` is not the model of the contract's folder."""
    remedy = (
        f"serve the models of {contract.folder.parent}"
        " (python -m triton_models repository), or point inference.models to the served ones"
    )
    return [
        Fault(f"{contract.name}.{key}", found or "nothing", expected, remedy)
        for key, found, expected in _differences(contract, served)
    ]


def missing(contract: ModelContract) -> Fault:
    """The fault of a model that the server does not have."""
    return Fault(
        contract.name,
        "no such model on the server",
        f"a model named {contract.name}",
        f"write the repository from {contract.folder.parent}"
        " (python -m triton_models repository) and load it",
    )


def describe(datatype: str, shape: list[int]) -> str:
    return f"{datatype} {shape}"


def _differences(contract: ModelContract, served: Served) -> Iterator[tuple[str, str, str]]:
    """(key, found, expected) of each difference."""
    inputs = {name: describe("INT64", [DYNAMIC, DYNAMIC]) for name in contract.inputs}
    outputs = {name: describe("FP32", [DYNAMIC, *shape]) for name, shape in contract.shapes.items()}
    for key, found, expected in (
        ("inputs", served.inputs, inputs),
        ("outputs", served.outputs, outputs),
    ):
        if dict(found) != expected:
            yield key, _listed(found), _listed(expected)
    if served.max_batch_size < contract.max_batch_size:
        yield "max_batch_size", str(served.max_batch_size), f"{contract.max_batch_size} or more"
    found = served.parameters
    for key, expected in (
        ("kind", contract.kind),
        ("labels", joined(contract.labels)),
        ("tokenizer_sha256", contract.tokenizer_sha256),
        ("onnx_sha256", contract.onnx_sha256),
    ):
        if found.get(key, "") != expected:
            yield key, found.get(key, ""), expected
    length = found.get("max_length", "")
    if not length.isdecimal() or int(length) < contract.max_length:
        yield "max_length", length, f"{contract.max_length} or more"


def _listed(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {tensors[name]}" for name in sorted(tensors))
