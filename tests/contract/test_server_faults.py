"""A server that freezes, dies and comes back: deadlines hold, nothing hangs or is mixed up."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.contract.subjects import remote
from tests.servers.models import batch, expected
from worker.errors import ModelTimeout, ModelUnavailable, Retry

pytestmark = remote


@pytest.fixture
def intent(subject):
    return subject.contracts["intent"]


async def answers_rightly(inference, contract):
    inputs = batch(contract, 3, 8)
    answer = await inference.infer(contract.name, inputs)
    np.testing.assert_allclose(answer.values, expected(contract, inputs), atol=1e-5)


def test_a_call_ends_at_its_deadline_and_the_next_is_answered(subject, intent):
    async def test(inference):
        await answers_rightly(inference, intent)  # connected before the server freezes
        with subject.server.frozen(), pytest.raises(ModelTimeout):
            await inference.infer("intent", batch(intent, 1, 8))
        await answers_rightly(inference, intent)

    subject.run(test, timeout_s=1.0)


def test_stop_ends_calls_that_a_frozen_server_holds(subject, intent):
    async def test(inference):
        with subject.server.frozen():
            calls = [
                asyncio.create_task(inference.infer("intent", batch(intent, 1, 8)))
                for _ in range(4)
            ]
            await asyncio.wait(calls, timeout=0.2)
            await inference.stop()
            ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(end) for end in ends} == {ModelUnavailable}

    subject.run(test, timeout_s=30.0)


def test_cancellation_reaches_a_call_that_a_frozen_server_holds(subject, intent):
    async def test(inference):
        with subject.server.frozen():
            call = asyncio.create_task(inference.infer("intent", batch(intent, 1, 8)))
            await asyncio.wait([call], timeout=0.2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        await answers_rightly(inference, intent)

    subject.run(test, timeout_s=30.0)


def test_a_killed_server_is_unavailable_until_it_is_back(subject, intent):
    async def test(inference):
        await answers_rightly(inference, intent)
        subject.server.kill()
        with pytest.raises(ModelUnavailable):
            while True:  # a call or two may still be answered while the signal is under way
                await inference.infer("intent", batch(intent, 1, 8))
        while not await inference.ready():
            await asyncio.sleep(0.05)
        await answers_rightly(inference, intent)

    subject.run(test)


def test_a_server_that_is_away_cannot_be_checked(subject):
    async def test(inference):
        subject.server.kill()
        with pytest.raises(Retry):
            while True:
                await inference.check(list(subject.contracts.values()))
        while not await inference.ready():
            await asyncio.sleep(0.05)
        assert await inference.check(list(subject.contracts.values())) == []

    subject.run(test)
