"""A partition that stands still holds up no other."""

import asyncio
import json
from contextlib import contextmanager

import pytest

from tests.stream import Record, committed, done, produce, read, running, settings, wait_until

EACH = 3000  # many times what may be in flight
LIMITS = "batching.max_records=32", "batching.max_batches_in_flight=8"


@contextmanager
def standing_still(app):
    """Until its end, batches with a query that begins with "slow" are not understood."""
    pipeline, go_on = app.runner._pipeline, asyncio.Event()
    process = pipeline.process

    async def hesitant(inputs):
        if any(b'"slow' in item.value for item in inputs):
            await go_on.wait()
        return await process(inputs)

    pipeline.process = hesitant
    yield
    app.runner._loop.call_soon_threadsafe(go_on.set)


def fill(broker, topics, partitions, slow):
    """Queries for the partitions; in partition 0 those before `slow` are slow ones."""
    for number in partitions:
        words = (b"slow" if number == 0 and n < slow else b"red" for n in range(EACH))
        values = (b'{"query": "%b shoes %d"}' % (word, n % 50) for n, word in enumerate(words))
        produce(
            broker.bootstrap_servers, topics.input, (Record(v, partition=number) for v in values)
        )


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_the_others_go_on(real_broker, delivery):
    topics = real_broker.topics()
    chosen = settings(real_broker.bootstrap_servers, topics, f"kafka.delivery={delivery}", *LIMITS)
    group = real_broker.bootstrap_servers, topics.input, topics.input
    fill(real_broker, topics, range(4), slow=EACH)
    with running(chosen) as app:
        with standing_still(app):
            others = dict.fromkeys((1, 2, 3), EACH)
            wait_until(lambda: committed(*group) == others, "all the others are committed", 30)
            assert app.runner.offsets.in_flight.records <= 32 * 8
        wait_until(done(app, 4 * EACH), "the one that stood still goes on", 30)
        wait_until(lambda: sum(committed(*group).values()) == 4 * EACH, "and is committed", 30)
    ids = [json.loads(m.value())["query_id"] for m in read(group[0], [topics.output], 4 * EACH)]
    assert len(set(ids)) == len(ids) == 4 * EACH
