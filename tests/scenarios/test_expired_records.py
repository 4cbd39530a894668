"""Retention that overtakes a lagging group is counted and logged, or stops the worker."""

import asyncio
import logging

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.stream import committed, done, running, settings, wait_until
from worker.errors import Stop

BEFORE, EXPIRED, AFTER = 20, 300, 5
# A consumer that prefetches little, so that the broker deletes what it has not fetched yet.
PREFETCH = (
    "kafka.consumer.queued.min.messages=1",
    "kafka.consumer.queued.max.messages.kbytes=1",
    "kafka.consumer.fetch.message.max.bytes=1000",
)


def delete_before(servers, topic, offset):
    admin = AdminClient({"bootstrap.servers": servers})
    for deleted in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        assert deleted.result(10).low_watermark == offset


def send(servers, topic, count):
    """One record a request: the broker deletes and answers whole batches."""
    query = b'{"query": "red shoes", "pad": "%b"}' % (b"x" * 400)
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0})
    for number in range(count):
        producer.produce(topic, query, partition=0)
        if number % 5 == 4:
            producer.flush()


def expired(app):
    return app.metrics.registry.get_sample_value("query_worker_records_expired_total")


@pytest.fixture
def place(real_broker):
    return real_broker.bootstrap_servers, real_broker.topics()


def test_what_was_deleted_while_no_worker_ran_is_counted(place, caplog):
    servers, topics = place
    chosen = settings(servers, topics)
    send(servers, topics.input, BEFORE)
    with running(chosen) as app:
        wait_until(lambda: committed(servers, topics.input, topics.input) == {0: BEFORE}, "commit")
        assert expired(app) == 0
    send(servers, topics.input, EXPIRED)
    delete_before(servers, topics.input, BEFORE + EXPIRED)
    send(servers, topics.input, AFTER)
    with caplog.at_level(logging.ERROR), running(chosen) as app:
        wait_until(done(app, AFTER), "the rest comes out")
        assert expired(app) == EXPIRED
    assert f"partition 0: retention deleted {EXPIRED} offsets" in caplog.text
    assert f"{BEFORE} to {BEFORE + EXPIRED - 1}" in caplog.text


def test_what_is_deleted_under_a_worker_that_lags_is_counted_once(place):
    servers, topics = place
    send(servers, topics.input, BEFORE + EXPIRED)
    chosen = settings(servers, topics, "batching.max_records=1", *PREFETCH)
    with running(chosen) as app:
        pipeline, waits = app.runner._pipeline, asyncio.Event()
        process = pipeline.process

        async def slow(inputs):
            await waits.wait()
            return await process(inputs)

        pipeline.process = slow
        wait_until(lambda: app.runner.offsets.in_flight.records > 0, "it has begun")
        wait_until(lambda: app.runner.thread._backpressure.paused, "no room: it is paused")
        delete_before(servers, topics.input, BEFORE + EXPIRED)
        send(servers, topics.input, AFTER)
        app.runner._loop.call_soon_threadsafe(waits.set)
        last = {0: BEFORE + EXPIRED + AFTER}
        wait_until(
            lambda: committed(servers, topics.input, topics.input) == last, "all is committed"
        )
        assert expired(app) + app.runner.totals.published == BEFORE + EXPIRED + AFTER
        assert expired(app) > 0


def test_a_worker_that_is_to_stop_does(place):
    servers, topics = place
    chosen = settings(servers, topics, "kafka.expired_records=stop")
    send(servers, topics.input, BEFORE)
    with running(chosen):
        wait_until(lambda: committed(servers, topics.input, topics.input) == {0: BEFORE}, "commit")
    send(servers, topics.input, EXPIRED)
    delete_before(servers, topics.input, BEFORE + EXPIRED)
    send(servers, topics.input, AFTER)
    told = "retention deleted 300 offsets .* set kafka.expired_records"
    with pytest.raises(Stop, match=told), running(chosen) as app:
        wait_until(lambda: expired(app), "it finds it")
    assert committed(servers, topics.input, topics.input) == {0: BEFORE}
