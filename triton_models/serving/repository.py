"""Write the model repository that Triton loads from a folder of model folders.

    <out>/repository.json                    marks the folder as ours
    <out>/<name>/config.pbtxt
    <out>/<name>/labels.txt                  intent only
    <out>/<name>/<version>/model.onnx        and model.py for the Python backend, or model.plan

Triton serves the version of the model folder. Versions that were there before stay, as many as are
to be kept, so that writing the repository from an older model folder goes back to it at once.

The same models give the same bytes. The folder is written beside `out` and renamed into place.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from triton_models.contract import ModelContract, load_all
from triton_models.settings import foreign

MARKER = "repository.json"
PYTHON_MODEL = Path(__file__).parent / "repository_files" / "model.py"
DEFAULT_INSTANCES = 2  # one computes while the other's tensors are copied
KEPT = 2  # versions of each model
# Requests that wait for a busy instance are joined; none is held back to wait for others, since
# the worker sends whole batches. No queue policy: with any, a timeout or a largest size, Triton
# 2.51 at times leaves requests beside an idle instance for 500 ms and more (Triton server issue
# 8870). The worker bounds the queue instead: its calls in flight are few and have a deadline.
BATCHING = "dynamic_batching { }"


class RepositoryError(ValueError):
    """The repository cannot be written; the message is one line and names the remedy."""


@dataclass(frozen=True)
class Platform:
    """How one Triton backend serves a model."""

    backend: str
    instances: str
    warmup_rows: int


PLATFORMS = {
    "python": Platform("python", "KIND_CPU", 1),
    "onnxruntime": Platform("onnxruntime", "KIND_AUTO", 1),
    "tensorrt": Platform("tensorrt", "KIND_GPU", 8),
}


def write(
    models: Path,
    out: Path,
    platform: str,
    instances: int | None = None,
    plans: Path | None = None,
    keep: int = KEPT,
) -> list[str]:
    """Write a Triton model repository; returns the names of its models.

    Args:
        models: folder of model folders.
        out: the repository; replaced if it is one of ours, made if it does not exist.
        platform: `python` (ONNX Runtime in Triton's Python backend), `onnxruntime` or `tensorrt`.
        instances: of each model; default 2.
        plans: for tensorrt, the folder that `compile` filled with `<name>/model.plan`.
        keep: versions of each model, that of the model folder among them; of the others the
            highest stay.

    Raises:
        ModelFolderError: a model folder is broken.
        RepositoryError: `out` is something else's folder, or a plan is missing.
    """
    if platform not in PLATFORMS:
        raise RepositoryError(f"platform {platform!r}: choose one of {', '.join(PLATFORMS)}")
    models, out = Path(models), Path(out).absolute()
    _refuse_foreign(out)
    contracts = load_all(models)
    _refuse_twins(contracts)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        draft = Path(scratch) / "new"
        for contract in contracts:
            _write_model(draft, contract, platform, instances or DEFAULT_INSTANCES, plans)
            _keep(out / contract.name, draft / contract.name, contract.version, keep)
        marker = {"platform": platform, "models": [contract.name for contract in contracts]}
        (draft / MARKER).write_text(json.dumps(marker, indent=2) + "\n")
        _replace(draft, out, Path(scratch) / "old")
    return marker["models"]


def names(out: Path) -> list[str]:
    """The models of a repository that is there; [] where none is."""
    try:
        return json.loads((out / MARKER).read_text())["models"]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _refuse_foreign(out: Path) -> None:
    if foreign(out, MARKER):
        raise RepositoryError(
            f"{out}: exists and is not a model repository of ours; choose another folder,"
            " or empty it first"
        )


def _refuse_twins(contracts: Sequence[ModelContract]) -> None:
    known: dict[str, Path] = {}
    for contract in contracts:
        if (other := known.setdefault(contract.name, contract.folder)) != contract.folder:
            raise RepositoryError(
                f"{contract.folder}: called {contract.name} like {other}; export one of them with"
                " --name, as intent_de"
            )


def _replace(draft: Path, out: Path, old: Path) -> None:
    if out.exists():
        os.rename(out, old)
    os.rename(draft, out)


def _write_model(
    out: Path, contract: ModelContract, platform: str, instances: int, plans: Path | None
) -> None:
    folder = out / contract.name
    version = folder / str(contract.version)
    version.mkdir(parents=True)
    if platform == "tensorrt":
        shutil.copyfile(_plan(plans, contract), version / "model.plan")
    else:
        shutil.copyfile(contract.onnx, version / "model.onnx")
    if platform == "python":
        shutil.copyfile(PYTHON_MODEL, version / "model.py")
    if contract.labels:
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in contract.labels))
    (folder / "config.pbtxt").write_text(config(contract, platform, instances))


def _keep(old: Path, new: Path, served: int, keep: int) -> None:
    """Copy the other versions of an older repository that stay, of the same backend."""
    files = {file.name for file in (new / str(served)).iterdir()}
    found = [folder for folder in old.glob("*") if folder.is_dir() and folder.name.isdecimal()]
    alike = [folder for folder in found if {file.name for file in folder.iterdir()} == files]
    others = [folder for folder in alike if folder.name != str(served)]
    for folder in sorted(others, key=lambda f: int(f.name), reverse=True)[: keep - 1]:
        shutil.copytree(folder, new / folder.name)


def _plan(plans: Path | None, contract: ModelContract) -> Path:
    if plans is None:
        raise RepositoryError("tensorrt: no plans given; run `compile` and name its folder")
    plan = Path(plans) / contract.name / "model.plan"
    if not plan.is_file():
        raise RepositoryError(f"{plan}: not found; run `compile` for {contract.name} first")
    return plan


def config(contract: ModelContract, platform: str, instances: int) -> str:
    """The text of `config.pbtxt`."""
    served = PLATFORMS[platform]
    profiles = ""
    if platform == "tensorrt":  # one optimization profile for each length bucket
        numbers = (f'"{i}"' for i in range(len(contract.length_buckets)))
        profiles = f" profile: [ {', '.join(numbers)} ]"
    labels = ' label_filename: "labels.txt"' if contract.labels else ""
    blocks = [
        f'name: "{contract.name}"',
        f'backend: "{served.backend}"',
        f"max_batch_size: {contract.max_batch_size}",
        *(
            f'input [ {{ name: "{name}" data_type: TYPE_INT64 dims: [ -1 ] }} ]'
            for name in contract.inputs
        ),
        *(
            f'output [ {{ name: "{name}" data_type: TYPE_FP32'
            f" dims: [ {', '.join(map(str, shape))} ]"
            f"{labels if name == contract.output else ''} }} ]"
            for name, shape in contract.shapes.items()
        ),
        f"version_policy {{ specific {{ versions: [ {contract.version} ] }} }}",
        f"instance_group [ {{ count: {instances} kind: {served.instances}{profiles} }} ]",
        BATCHING,
        *(_parameter(key, value) for key, value in parameters(contract).items()),
        *_backend_parameters(platform),
        *(_warmup(contract, length, served.warmup_rows) for length in contract.length_buckets),
    ]
    return "\n".join(blocks) + "\n"


def parameters(contract: ModelContract) -> dict[str, str]:
    """What the worker compares with its own model folder, as text."""
    threshold = {} if contract.threshold is None else {"threshold": repr(contract.threshold)}
    return {
        "kind": contract.kind,
        "labels": joined(contract.labels),
        "max_length": str(contract.max_length),
        "onnx_sha256": contract.onnx_sha256,
        **threshold,
        "tokenizer_sha256": contract.tokenizer_sha256,
    }


def joined(labels: Iterable[str]) -> str:
    """Labels in one text, parted by commas; a comma of a label has a backslash before it."""
    return ",".join(label.replace("\\", r"\\").replace(",", r"\,") for label in labels)


def _parameter(key: str, value: str) -> str:
    return f'parameters [ {{ key: "{key}" value: {{ string_value: {json.dumps(value)} }} }} ]'


def _backend_parameters(platform: str) -> Iterable[str]:
    if platform == "onnxruntime":  # instances are the parallelism on a CPU
        yield _parameter("intra_op_thread_count", "1")


def _warmup(contract: ModelContract, length: int, rows: int) -> str:
    inputs = "\n".join(
        f'  inputs {{ key: "{name}" value: {{ data_type: TYPE_INT64 dims: [ {length} ]'
        " zero_data: true } }"
        for name in contract.inputs
    )
    rows = min(rows, contract.max_batch_size)
    return f'model_warmup [ {{\n  name: "length_{length}"\n  batch_size: {rows}\n{inputs}\n}} ]'
