"""Inference by a Triton server over gRPC.

What a failed call raises:

    DEADLINE_EXCEEDED                  ModelTimeout (retry)
    INVALID_ARGUMENT, OUT_OF_RANGE     ModelRejected: the batch is at fault
    INTERNAL, RESOURCE_EXHAUSTED       ModelFailed (retry): such as lack of memory; the batch may be
                                       too large
    an invalid answer                  InvalidAnswer (retry): see `tensors.check_answers`
    anything else                      ModelUnavailable (retry): away, loading, queue full, model
                                       unknown or broken; none of it is the batch's fault

A server may be exchanged under a running worker, and so may its models. After every new connection
and with every new version an answer is held back until the model that is served then has been
compared with the worker's; if it is another, the call raises ModelUnavailable. Triton does not
announce that another model was loaded under the same version number: `check` finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import InferResult
from tritonclient.grpc._utils import get_error_grpc
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.utils import InferenceServerException

from triton_models.contract import ModelContract
from worker.errors import (
    Fault,
    InvalidAnswer,
    ModelFailed,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    WorkerError,
)
from worker.inference.access import Access
from worker.inference.port import Answer
from worker.inference.served import Served, compare, describe, missing
from worker.inference.tensors import DYNAMIC, check_answers, check_batch
from worker.logs import fault
from worker.tasks import guarded

logger = logging.getLogger(__name__)

LARGEST_MESSAGE = 2**31 - 1
CHANNEL = [
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    # Notice a dead connection while calls wait; no pings without calls, which Triton punishes.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # By default a client that lost its server waits up to two minutes before it tries again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
]


class TritonInference:
    """The models of a Triton server.

    Args:
        url: gRPC address, `host:port`.
        contracts: the models that will be called.
        timeout_s: deadline of one call, from when it is sent, seconds. The callers bound how many
            are under way.
        access: how the connection is secured; default not at all.
    """

    def __init__(
        self,
        url: str,
        contracts: Sequence[ModelContract],
        timeout_s: float,
        access: Access | None = None,
    ) -> None:
        self.name = f"Triton at {url}"
        self._url = url
        self._access = access or Access()
        self._closing: set[asyncio.Task[None]] = set()
        self._contracts = {contract.name: contract for contract in contracts}
        self._timeout_s = timeout_s
        self._client: InferenceServerClient | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._compared: set[tuple[str, str]] = set()  # models and versions, on this connection

    async def start(self) -> None:
        """Open the channel; it connects with the first call, and again after every loss.

        Raises:
            ConfigError: a file of certificates or keys cannot be used.
        """
        self._open_channel(self._access.credentials())

    async def stop(self) -> None:
        """Close the channel; calls in flight end with `ModelUnavailable`."""
        client, self._client = self._client, None
        for task in self._closing:
            task.cancel()
        if client:
            self._watcher.cancel()
            await client.close()

    def _open_channel(self, credentials: grpc.ChannelCredentials | None) -> None:
        self._credentials = credentials
        client = InferenceServerClient(self._url, creds=credentials, channel_args=CHANNEL)
        client.register_plugin(self._access)
        if self._watcher:
            self._watcher.cancel()
        self._client, self._compared = client, set()
        self._watcher = guarded(self._watch(client._channel), self._on_watch_failed)

    def _renew(self) -> None:
        """Open another channel when a certificate was renewed or the watch has failed.

        The old one ends with its calls.
        """
        credentials = self._access.renewed()
        if self._client is None or not (credentials or self._watcher.done()):
            return
        old = self._client
        self._open_channel(credentials or self._credentials)
        logger.info("%s: another connection is opened", self.name)
        task = guarded(self._close(old), self._on_close_failed)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, client: InferenceServerClient) -> None:
        try:
            await asyncio.sleep(self._timeout_s)  # no call of it lives longer
        finally:
            await client.close()

    def _on_close_failed(self, error: BaseException) -> None:
        logger.warning("%s: the old connection was not closed: %s", self.name, fault(error))

    async def ready(self) -> bool:
        """Whether every model answers now. Never raises."""
        try:
            client = self._open()
            asked = [
                client.is_model_ready(name, client_timeout=self._timeout_s)
                for name in self._contracts
            ]
            return all(await asyncio.gather(*asked))
        except (InferenceServerException, ModelUnavailable):
            return False

    async def check(self, contracts: Sequence[ModelContract]) -> list[Fault]:
        """Compare the server's metadata and configuration with the model folders.

        Returns every fault found. Raises `Retry` when the server cannot be asked now. Looks also
        whether a certificate of ours was renewed.
        """
        self._renew()
        faults: list[Fault] = []
        for contract in contracts:
            with self._translating(contract.name):
                served = await self._describe(contract.name)
            faults += compare(contract, served) if served else [missing(contract)]
        return faults

    async def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Answer:
        """Run one batch; all inputs are int64, shape [batch, length].

        Raises `ModelUnavailable`, `ModelTimeout`, `ModelFailed` (all `Retry`) or `ModelRejected`.
        """
        contract = self._contracts.get(model)
        if contract is None:
            raise ModelUnavailable(f"{model}: not among the models that this worker was given")
        check_batch(contract, inputs)
        response = await self._call(contract, inputs)
        try:
            result = InferResult(response)
            found = [result.as_numpy(name) for name in contract.shapes]
        except (ValueError, TypeError) as error:  # fewer bytes than the shape says
            raise InvalidAnswer(model, f"the answer cannot be read: {error}") from None
        version = response.model_version
        values, tags = check_answers(contract, inputs, found)
        answer = Answer(values, version, tags)
        if (model, version) not in self._compared:
            await self._compare(contract, version)
        return answer

    async def _watch(self, channel: grpc.aio.Channel) -> None:
        """Whoever is connected to next may serve other models."""
        while True:
            await channel.wait_for_state_change(channel.get_state())
            self._compared = set()

    def _on_watch_failed(self, error: BaseException) -> None:
        """The next `check` opens another connection, which is watched again."""
        logger.error("%s: the watch of its connection failed: %s", self.name, fault(error))
        self._compared = set()

    async def _compare(self, contract: ModelContract, version: str) -> None:
        """See that the model which has just answered is the worker's.

        Raises:
            Retry: it is not, or the server cannot be asked.
        """
        compared = self._compared
        if faults := await self.check([contract]):
            reasons = "; ".join(map(str, faults))
            raise ModelUnavailable(
                f"{contract.name}: version {version} is another model: {reasons}"
            )
        compared.add((contract.name, version))  # to no effect if the connection was lost meanwhile

    def _open(self) -> InferenceServerClient:
        if self._client is None:
            raise ModelUnavailable(f"{self.name}: the client is stopped")
        return self._client

    async def _call(
        self, contract: ModelContract, inputs: Mapping[str, np.ndarray]
    ) -> ModelInferResponse:
        client = self._open()
        request = _request(contract, inputs, self._timeout_s)
        with self._translating(contract.name):
            try:  # the client's own `infer` takes half as long again
                return await client._client_stub.ModelInfer(
                    request, metadata=self._access.metadata(), timeout=self._timeout_s
                )
            except grpc.RpcError as error:
                raise get_error_grpc(error) from None

    async def _describe(self, model: str) -> Served | None:
        """What the server says of a model; None if it has no such model."""
        client = self._open()
        try:
            answer = await client.get_model_config(model, client_timeout=self._timeout_s)
        except InferenceServerException as error:
            if error.status() == "StatusCode.NOT_FOUND":
                return None
            raise
        config = answer.config
        return Served(
            _tensors(config, config.input),
            _tensors(config, config.output),
            config.max_batch_size,
            {key: value.string_value for key, value in config.parameters.items()},
        )

    @contextmanager
    def _translating(self, model: str) -> Iterator[None]:
        """Let what a call raises be one of our errors."""
        try:
            yield
        except InferenceServerException as error:
            raise self._translated(model, error) from None
        except grpc.aio.UsageError:  # the channel was closed since
            raise ModelUnavailable(f"{model}: the client was stopped") from None
        except asyncio.CancelledError:
            if self._client is None and not asyncio.current_task().cancelling():
                # Not our caller but `stop` ended the call.
                raise ModelUnavailable(f"{model}: the client was stopped") from None
            raise

    def _translated(self, model: str, error: InferenceServerException) -> WorkerError:
        found = self._access.explained(error.message())
        message = f"{model}: {found.message} ({self.name})"
        message += f"; {found.remedy}" if found.remedy else ""
        match (error.status() or "").removeprefix("StatusCode."):
            case "DEADLINE_EXCEEDED":
                return ModelTimeout(f"{model}: no answer in {self._timeout_s:g} s ({self.name})")
            case "INVALID_ARGUMENT" | "OUT_OF_RANGE":
                return ModelRejected(model, message)
            case "INTERNAL" | "RESOURCE_EXHAUSTED":
                return ModelFailed(message)
            case _:
                return ModelUnavailable(message)


def _tensors(config: ModelConfig, tensors: Iterable[Any]) -> dict[str, str]:
    """Name → type and shape, of inputs or outputs; the batch is the first dimension."""
    batch = [DYNAMIC] if config.max_batch_size else []
    return {
        item.name: describe(
            DataType.Name(item.data_type).removeprefix("TYPE_"), [*batch, *item.dims]
        )
        for item in tensors
    }


def _request(
    contract: ModelContract, inputs: Mapping[str, np.ndarray], timeout_s: float
) -> ModelInferRequest:
    request = ModelInferRequest(model_name=contract.name)
    for name in contract.inputs:
        request.inputs.add(name=name, datatype="INT64", shape=inputs[name].shape)
        request.raw_input_contents.append(inputs[name].tobytes())
    for name in contract.shapes:
        request.outputs.add(name=name)
    request.parameters["timeout"].int64_param = int(timeout_s * 1e6)
    return request
