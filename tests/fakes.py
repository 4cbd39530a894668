"""A model server without a server: the tiny models in NumPy, and faults at a word."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from tests.servers import models
from triton_models.contract import ModelContract
from triton_models.serving.repository import parameters
from worker.errors import Fault, ModelRejected, ModelTimeout, ModelUnavailable
from worker.inference.port import Answer
from worker.inference.served import Served, compare, describe, missing
from worker.inference.tensors import DYNAMIC, check_answers, check_batch


class FakeServer:
    """What several fakes talk to; `kill` and `frozen` as with a real one."""

    def __init__(self, contracts: Sequence[ModelContract]) -> None:
        self.served = {contract.name: contract for contract in contracts}
        self.alive = True
        self.awake = asyncio.Event()
        self.awake.set()

    def kill(self) -> None:
        """Away until it is asked whether it is ready for the second time."""
        self.alive = False

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.awake.clear()
        try:
            yield
        finally:
            self.awake.set()


class FakeInference:
    """Deterministic, with the behaviour that the contract suite holds all implementations to."""

    def __init__(
        self,
        server: FakeServer,
        contracts: Sequence[ModelContract],
        timeout_s: float = 5.0,
    ) -> None:
        self.name = "a fake server"
        self._server = server
        self._contracts = {contract.name: contract for contract in contracts}
        self._timeout_s = timeout_s
        self._stopped: asyncio.Event | None = None

    async def start(self) -> None:
        self._stopped = asyncio.Event()

    async def stop(self) -> None:
        if self._stopped:
            self._stopped.set()

    async def ready(self) -> bool:
        was_alive, self._server.alive = self._server.alive, True
        return was_alive and self._open()

    async def check(self, contracts: Sequence[ModelContract]) -> list[Fault]:
        if not (self._server.alive and self._open()):
            raise ModelUnavailable("the fake server is away")
        faults: list[Fault] = []
        for contract in contracts:
            served = self._server.served.get(contract.name)
            faults += compare(contract, _describe(served)) if served else [missing(contract)]
        return faults

    async def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Answer:
        contract = self._contracts.get(model)
        if contract is None or model not in self._server.served:
            raise ModelUnavailable(f"{model}: unknown")
        check_batch(contract, inputs)
        await self._answered(model)
        try:
            values = models.expected(contract, dict(inputs)).astype(np.float32)
        except IndexError as error:
            raise ModelRejected(model, str(error)) from None
        found = [values, models.expected_tags(dict(inputs))] if contract.tags else [values]
        values, tags = check_answers(contract, inputs, found)
        return Answer(values, str(self._server.served[model].version), tags)

    def _open(self) -> bool:
        return self._stopped is not None and not self._stopped.is_set()

    async def _answered(self, model: str) -> None:
        """Wait as a call over the network would: for the server, the deadline or `stop`."""
        if not (self._server.alive and self._open()):
            raise ModelUnavailable(f"{model}: the fake server is away")
        waits = [asyncio.create_task(e.wait()) for e in (self._server.awake, self._stopped)]
        try:
            done, _ = await asyncio.wait(
                waits, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
        if self._stopped.is_set():
            raise ModelUnavailable(f"{model}: stopped")
        if not done:
            raise ModelTimeout(f"{model}: no answer in {self._timeout_s} s")


def _describe(contract: ModelContract) -> Served:
    return Served(
        {name: describe("INT64", [DYNAMIC, DYNAMIC]) for name in contract.inputs},
        {name: describe("FP32", [DYNAMIC, *shape]) for name, shape in contract.shapes.items()},
        contract.max_batch_size,
        parameters(contract),
    )
