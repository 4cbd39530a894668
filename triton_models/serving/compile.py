"""TensorRT plans: strongly typed ONNX, one profile a length bucket.

Runs where the plans will be served, inside NVIDIA's image on the GPU itself: a plan is bound to
the TensorRT version and the GPU it was built on, so both are in its name, with the precision and
the ONNX hash.

    <out>/<name>/<key>.plan     kept for each TensorRT version, GPU, precision and ONNX file
    <out>/<name>/model.plan     a copy of the one for this machine, which `repository` takes
"""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from triton_models.contract import ModelContract, check_hash
from triton_models.kinds import KINDS
from triton_models.serving.plan import answers
from triton_models.serving.precision import (
    Answers,
    Batch,
    Parity,
    batches,
    each,
    held,
    parity,
    typed,
)
from triton_models.serving.predict import questions
from triton_models.settings import DEV_SETS, UsageError

WORKSPACE = 1 << 30  # bytes of GPU memory that TensorRT may use while it builds
SHORT_HASH = 12  # hex digits of the ONNX hash in a plan's name
# For kinds without a dev set of ours: the queries of one that has.
QUERIES = DEV_SETS / next(kind.dev for kind in KINDS.values() if kind.dev and not kind.pair)


@dataclass(frozen=True)
class Profile:
    """The shapes [batch, length] of every input that one optimization profile serves."""

    smallest: tuple[int, int]
    usual: tuple[int, int]
    largest: tuple[int, int]


def profiles(contract: ModelContract) -> list[Profile]:
    """One profile for each length bucket: the length is fixed, the batch is 1 to the largest."""
    most = contract.max_batch_size
    return [
        Profile((1, length), (max(1, most // 2), length), (most, length))
        for length in contract.length_buckets
    ]


def plan_key(contract: ModelContract, tensorrt_version: str, gpu: str, precision: str) -> str:
    """The name of a plan, without its suffix; equal keys mean that a plan can be used again."""
    device = re.sub(r"[^a-z0-9]+", "-", gpu.lower()).strip("-")
    digest = (contract.float32_sha256 or contract.onnx_sha256)[:SHORT_HASH]
    name = f"{contract.name}-v{contract.version}"
    return f"{name}-trt{tensorrt_version}-{device}-{precision}-{digest}"


def compile_model(
    contract: ModelContract, out: Path, precision: str = "fp16", texts: Path | None = None
) -> tuple[Path, Parity | None]:
    """Build the plan of one model unless it is there.

    Args:
        texts: a file of queries like those to come, as `predict` reads it; by default our dev set.

    Returns:
        The keyed plan, and how near its answers are to float32; None when it was built before.

    Raises:
        UsageError: TensorRT, ModelOpt or the GPU is not there, or `texts` cannot be read.
        RuntimeError: the answers are too far from float32, or TensorRT rejects the model.
    """
    tensorrt = require("tensorrt", "NVIDIA's Triton or TensorRT image")
    folder = out / contract.name
    plan = folder / f"{plan_key(contract, tensorrt.__version__, gpu_name(), precision)}.plan"
    found = None
    if not plan.is_file():
        require("modelopt.onnx.autocast", "pip install 'nvidia-modelopt[onnx]' in that image")
        folder.mkdir(parents=True, exist_ok=True)
        content, found = made(tensorrt, contract, precision, texts)
        write(plan, content)
    serve(plan, folder / "model.plan")
    return plan, found


def require(module: str, remedy: str) -> ModuleType:
    """Import what only NVIDIA's image has, or say in one line where to find it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(
            f"{module} is not installed: `compile` needs a GPU and TensorRT; use {remedy}"
            " (deploy/ has a one-off service for it)"
        ) from None


def gpu_name() -> str:
    """The name of the first GPU, such as "NVIDIA L4"."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        return found.stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        raise UsageError(
            "no NVIDIA GPU is visible: start the container with access to one"
        ) from None


def made(
    tensorrt: ModuleType, contract: ModelContract, precision: str, texts: Path | None
) -> tuple[bytes, Parity]:
    """The plan, once its own answers on the GPU have been held against float32.

    Raises as `compile_model` does.
    """
    with tempfile.TemporaryDirectory() as scratch:
        typed, others, expected, _ = strong(contract, precision, Path(scratch), texts)
        plan = build(tensorrt, typed, contract)
        found = answers(tensorrt, plan, contract, others)
    return plan, held(contract, f"{precision} plan's", expected, found)


def strong(
    contract: ModelContract, precision: str, scratch: Path, texts: Path | None = None
) -> tuple[bytes, list[Batch], list[Answers], Parity]:
    """The model as strongly typed ONNX, the texts that it was asked, what float32 says of each
    batch of them, and how near the two are.

    Args:
        scratch: an empty folder.
    """
    own = DEV_SETS / contract.spec.dev if contract.spec.dev else QUERIES
    asked = questions(texts or own, contract.spec.pair)
    measured, others = batches(contract, asked)
    plain, work = scratch / "fp32.onnx", scratch / "work"
    work.mkdir()
    float32(contract, plain)
    model = typed(plain, precision, measured, work)
    expected = each(contract, str(plain), others)
    found = parity(contract, expected, model, precision, others)
    return model.SerializeToString(), others, expected, found


def float32(contract: ModelContract, place: Path) -> None:
    """Write the network in float32: as it was trained where `export` left it, else with the
    weights of model.onnx, which may be rounded, as those of the starter models are.

    Raises ModelFolderError when the file is not the one that belongs to the model.
    """
    import onnx

    from triton_models.serving.dequantize import dequantize, rounding

    if contract.float32_sha256 and contract.float32.is_file():
        check_hash(contract.float32, contract.float32_sha256)
        shutil.copyfile(contract.float32, place)
        return
    model = onnx.load(contract.onnx)
    if rounded := rounding(model):
        print(
            f"{contract.name}: no float32.onnx beside model.onnx (starter models have none): the"
            f" plan starts from rounded weights, {rounded}; export your own model again for one"
            " from float32",
            file=sys.stderr,
        )
    onnx.save(dequantize(model), place)


def build(tensorrt: ModuleType, graph: bytes, contract: ModelContract) -> bytes:
    """The serialized plan of an ONNX graph."""
    logger = tensorrt.Logger(tensorrt.Logger.WARNING)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(strongly_typed(tensorrt))
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse(graph):
        faults = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise RuntimeError(f"{contract.name}: TensorRT cannot read the model: {faults}")
    settings = builder.create_builder_config()
    settings.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE)
    for profile in profiles(contract):
        shapes = builder.create_optimization_profile()
        for name in contract.inputs:
            shapes.set_shape(name, profile.smallest, profile.usual, profile.largest)
        settings.add_optimization_profile(shapes)
    plan = builder.build_serialized_network(network, settings)
    if plan is None:
        raise RuntimeError(f"{contract.name}: TensorRT built no plan; its messages are above")
    return bytes(plan)


def strongly_typed(tensorrt: ModuleType) -> int:
    """The flag that TensorRT 10 wants for types as the graph has them; 11 knows no other way."""
    flag = getattr(tensorrt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def write(path: Path, content: bytes) -> None:
    """Write a file that is either whole or absent."""
    draft = path.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(path)


def serve(plan: Path, place: Path) -> None:
    """Put a copy of the plan where `repository` looks for it."""
    draft = place.with_suffix(".part")
    shutil.copyfile(plan, draft)
    draft.replace(place)
