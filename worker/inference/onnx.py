"""Inference in this process by ONNX Runtime, for machines without a Triton server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from triton_models.contract import ModelContract
from triton_models.serving import repository
from worker.errors import ContractError, Fault, ModelFailed, ModelRejected, ModelUnavailable
from worker.inference.port import Answer
from worker.inference.served import Served, compare, describe, missing
from worker.inference.tensors import DYNAMIC, check_answers, check_batch

DATATYPES = {"tensor(int64)": "INT64", "tensor(float)": "FP32"}


class OnnxInference:
    """The models of the model folders, run on this machine's CPU.

    Each call keeps one thread of the pool busy and releases the GIL meanwhile.

    Args:
        contracts: the models that will be called.
        threads: calls that run at once; more wait their turn.
    """

    def __init__(self, contracts: Sequence[ModelContract], threads: int) -> None:
        self.name = "ONNX Runtime in this process"
        self._contracts = {contract.name: contract for contract in contracts}
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    async def start(self) -> None:
        """Load the models. Raises `ContractError` when one cannot be loaded."""
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="onnx")
        loop = asyncio.get_running_loop()
        for name, contract in self._contracts.items():
            self._sessions[name] = await loop.run_in_executor(self._pool, _load, contract)

    async def stop(self) -> None:
        """Unload them; calls in flight end with `ModelUnavailable`."""
        pool, self._pool = self._pool, None
        if pool:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        self._sessions.clear()

    async def ready(self) -> bool:
        """Whether every model is loaded. Never raises."""
        return self._pool is not None and self._sessions.keys() == self._contracts.keys()

    async def check(self, contracts: Sequence[ModelContract]) -> list[Fault]:
        """Compare the loaded models with the model folders: every fault found."""
        faults: list[Fault] = []
        for contract in contracts:
            session = self._sessions.get(contract.name)
            if session is None:
                faults.append(missing(contract))
            else:
                loaded = self._contracts[contract.name]
                faults += compare(contract, _describe(loaded, session))
        return faults

    async def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Answer:
        """Run one batch; all inputs are int64, shape [batch, length].

        Raises `ModelUnavailable`, `ModelFailed` (both `Retry`) or `ModelRejected`.
        """
        contract = self._contracts.get(model)
        if contract is None:
            raise ModelUnavailable(f"{model}: not among the models that this worker was given")
        check_batch(contract, inputs)
        values, tags = check_answers(contract, inputs, await self._run(contract, inputs))
        return Answer(values, str(contract.version), tags)

    async def _run(self, contract: ModelContract, inputs: Mapping[str, np.ndarray]) -> list:
        stopped = ModelUnavailable(f"{contract.name}: ONNX Runtime is stopped")
        if self._pool is None:
            raise stopped
        run = self._sessions[contract.name].run
        loop = asyncio.get_running_loop()
        try:
            call = loop.run_in_executor(self._pool, run, list(contract.shapes), dict(inputs))
            values = await call
        except InvalidArgument as error:
            raise ModelRejected(contract.name, str(error)) from None
        except asyncio.CancelledError:
            if self._pool is None and not asyncio.current_task().cancelling():
                raise stopped from None  # not our caller but `stop` ended the call
            raise
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise ModelFailed(f"{contract.name}: {error}") from error
        if self._pool is None:
            raise stopped
        return values


def _load(contract: ModelContract) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the pool is the parallelism
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps what the largest calls needed, 190 MB
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(contract.onnx, options, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise ContractError(f"{contract.onnx}: {error}; export the model again") from error


def _describe(contract: ModelContract, session: onnxruntime.InferenceSession) -> Served:
    def tensors(arguments: Sequence[onnxruntime.NodeArg]) -> dict[str, str]:
        return {
            item.name: describe(DATATYPES.get(item.type, item.type), _shape(item))
            for item in arguments
        }

    return Served(
        tensors(session.get_inputs()),
        tensors(session.get_outputs()),
        contract.max_batch_size,
        repository.parameters(contract),
    )


def _shape(argument: onnxruntime.NodeArg) -> list[int]:
    return [size if isinstance(size, int) else DYNAMIC for size in argument.shape]
