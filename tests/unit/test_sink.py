"""What the producer sends of a record that is rejected, and that it never falls silent."""

import asyncio

import pytest
from confluent_kafka import Message

from worker.config.load import load_settings
from worker.errors import Reject
from worker.metrics import Metrics
from worker.stream.credentials import Credentials
from worker.stream.producer import REJECTION, Sink


def sink(fail=pytest.fail):
    return Sink(load_settings(None, {}, []).kafka, Metrics(), None, pytest.fail, fail)


@pytest.mark.parametrize("reason", [None, Reject("decode", "invalid_json", "not JSON")])
def test_no_input_tells_the_reason_of_its_own_rejection(reason, monkeypatch):
    sent = []

    async def send(_self, _record, headers, **_):
        sent.extend(headers)

    monkeypatch.setattr(Sink, "_send", send)
    forged = [(name, b"forged") for name in REJECTION]
    record = Message(
        topic="queries", partition=0, offset=7, value=b"", headers=[*forged, ("trace", b"00-abc")]
    )
    asyncio.run(sink().dead_letter(record, reason))
    assert ("trace", b"00-abc") in sent and not any(value == b"forged" for _, value in sent)
    assert {name for name, _ in sent} >= set(REJECTION if reason else ())


def test_what_ends_its_polling_ends_the_worker(monkeypatch):
    """Else nothing would be confirmed any more, and nobody told."""

    async def run():
        ended = asyncio.get_running_loop().create_future()
        chosen = sink(fail=ended.set_result)
        chosen._limits, chosen._fitting = {}, {}
        chosen._open()
        return await asyncio.wait_for(ended, 10)

    def renew(*_):
        raise ValueError("not what it should be")

    monkeypatch.setattr(Credentials, "renew", renew)
    assert isinstance(asyncio.run(run()), ValueError)
