"""Start, stop, readiness and cancellation are the same for every implementation."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.servers.models import batch, expected
from worker.errors import ModelUnavailable
from worker.inference.port import Answer


def test_ready_only_between_start_and_stop(subject):
    inference = None

    async def test(started):
        nonlocal inference
        inference = started
        assert await inference.ready()
        await inference.stop()
        assert not await inference.ready()
        with pytest.raises(ModelUnavailable):
            await inference.infer("intent", batch(subject.contracts["intent"], 1, 8))

    subject.run(test)


def test_not_ready_and_no_calls_before_start(subject):
    async def test():
        inference = subject.make(list(subject.contracts.values()), 1.0)
        assert not await inference.ready()
        with pytest.raises(ModelUnavailable):
            await inference.infer("intent", batch(subject.contracts["intent"], 1, 8))
        await inference.stop()  # harmless

    asyncio.run(test())


def test_stop_ends_every_call(subject):
    """Answered or in flight: each ends, none hangs."""
    inputs = batch(subject.contracts["encoder"], 64, 64)

    async def test(inference):
        calls = [asyncio.create_task(inference.infer("encoder", inputs)) for _ in range(100)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await inference.stop()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(end) for end in ends} <= {Answer, ModelUnavailable}

    subject.run(test)


def test_a_cancelled_call_is_cancelled_and_harms_no_other(subject):
    contract = subject.contracts["encoder"]
    inputs = batch(contract, 64, 64)

    async def test(inference):
        for _ in range(5):
            call = asyncio.create_task(inference.infer("encoder", inputs))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        answer = await inference.infer("encoder", inputs)
        np.testing.assert_allclose(answer.values, expected(contract, inputs), atol=1e-5)

    subject.run(test)
