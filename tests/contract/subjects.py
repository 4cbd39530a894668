"""Every implementation of the port, each with the server behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes import FakeServer
from tests.servers.triton import Triton
from triton_models.contract import ModelContract
from worker.inference.port import Inference

REMOTE = ["FakeInference", "TritonInference"]  # they call a server, which can freeze or die
IMPLEMENTATIONS = [*REMOTE, "OnnxInference"]


@dataclass(frozen=True)
class Subject:
    """One implementation under test."""

    contracts: dict[str, ModelContract]
    server: FakeServer | Triton | None
    make: Callable[[Sequence[ModelContract], float], Inference]

    def run(
        self,
        test: Callable[[Inference], Awaitable[Any]],
        contracts: Sequence[ModelContract] = (),
        timeout_s: float = 10.0,
    ) -> None:
        """Run a coroutine on a started implementation; stop it whatever comes."""

        async def body() -> None:
            chosen = contracts or list(self.contracts.values())
            inference = self.make(chosen, timeout_s)
            await inference.start()
            try:
                await test(inference)
            finally:
                await inference.stop()

        asyncio.run(asyncio.wait_for(body(), 60))


remote = pytest.mark.parametrize("subject", REMOTE, indirect=True)
