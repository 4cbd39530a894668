"""A TensorRT plan asked on the GPU, to hold its answers against ONNX Runtime's before it is served.

Memory and copies go through the CUDA runtime that is beside TensorRT in NVIDIA's image.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import numpy as np

from triton_models.contract import ModelContract
from triton_models.serving.precision import Answers, Batch
from triton_models.settings import UsageError
from triton_models.text import real

PLACES = ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib", "/usr/lib")
TO_DEVICE, TO_HOST = 1, 2  # of cudaMemcpyKind


def answers(
    tensorrt: ModuleType, plan: bytes, contract: ModelContract, asked: Sequence[Batch]
) -> list[Answers]:
    """What the plan answers to each batch, which is padded to a length bucket.

    Raises:
        RuntimeError: TensorRT cannot load or run the plan, or CUDA reports an error.
        UsageError: there is no CUDA runtime.
    """
    cuda = Cuda(_library())
    engine = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.WARNING)).deserialize_cuda_engine(
        plan
    )
    if engine is None:
        raise RuntimeError(f"{contract.name}: TensorRT cannot load the plan that it built")
    return [_answer(engine, cuda, contract, batch) for batch in asked]


def _answer(engine, cuda: Cuda, contract: ModelContract, batch: Batch) -> Answers:
    """One batch, by the optimization profile of its length bucket."""
    rows, length = batch["input_ids"].shape
    context = engine.create_execution_context()
    with ExitStack() as stack:
        stream = stack.enter_context(cuda.stream())
        context.set_optimization_profile_async(contract.length_buckets.index(length), stream)
        for name in contract.inputs:
            values = np.ascontiguousarray(batch[name], np.int64)
            place = stack.enter_context(cuda.memory(values.nbytes))
            cuda.copy(place, values.ctypes.data, values.nbytes, TO_DEVICE)
            context.set_input_shape(name, values.shape)
            context.set_tensor_address(name, place)
        outputs = []
        for name, shape in contract.shapes.items():
            sizes = (length if size == -1 else size for size in shape)
            values = np.empty((rows, *sizes), np.float32)
            place = stack.enter_context(cuda.memory(values.nbytes))
            context.set_tensor_address(name, place)
            outputs.append((values, place))
        if not context.execute_async_v3(stream):
            raise RuntimeError(f"{contract.name}: TensorRT cannot run the plan that it built")
        cuda.wait(stream)
        for values, place in outputs:
            cuda.copy(values.ctypes.data, place, values.nbytes, TO_HOST)
    return [real(values, batch["attention_mask"]) for values, _ in outputs]


class Cuda:
    """The few calls of the CUDA runtime that are needed; each raises RuntimeError on failure."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def memory(self, size: int) -> _Held:
        """So many bytes of the GPU's memory, as a context manager that gives their address."""
        return _Held(self, "cudaMalloc", "cudaFree", ctypes.c_size_t(size))

    def stream(self) -> _Held:
        return _Held(self, "cudaStreamCreate", "cudaStreamDestroy")

    def copy(self, to: int, source: int, size: int, way: int) -> None:
        self.call(
            "cudaMemcpy",
            ctypes.c_void_p(to),
            ctypes.c_void_p(source),
            ctypes.c_size_t(size),
            ctypes.c_int(way),
        )

    def wait(self, stream: int) -> None:
        self.call("cudaStreamSynchronize", ctypes.c_void_p(stream))

    def call(self, name: str, *given: object) -> None:
        if code := getattr(self.library, name)(*given):
            raise RuntimeError(f"{name}: CUDA error {code}")


class _Held:
    """Something of the GPU's that is given back at the end of a `with`."""

    def __init__(self, cuda: Cuda, make: str, free: str, *given: object) -> None:
        self.cuda, self.make, self.free, self.given = cuda, make, free, given
        self.handle = ctypes.c_void_p()

    def __enter__(self) -> int:
        self.cuda.call(self.make, ctypes.byref(self.handle), *self.given)
        return self.handle.value or 0

    def __exit__(self, *fault: object) -> None:
        self.cuda.call(self.free, self.handle)


def _library() -> ctypes.CDLL:
    files = [file for place in PLACES for file in sorted(Path(place).glob("libcudart.so*"))]
    if not (name := files[0] if files else ctypes.util.find_library("cudart")):
        raise UsageError("no CUDA runtime (libcudart) is here: run `compile` in NVIDIA's image")
    return ctypes.CDLL(str(name))
