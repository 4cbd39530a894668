"""A topic that is deleted while a worker runs is named soon, and costs few repetitions."""

import json
import time
from collections import Counter

import pytest
from confluent_kafka.admin import AdminClient

from tests import program
from tests.stream import (
    Record,
    Topics,
    committed,
    done,
    is_ready,
    produce,
    read,
    running,
    settings,
    wait_until,
)
from worker.errors import Stop
from worker.stream.delivery import base

COUNT, BAD = 400, (150, 250)
SOON = "kafka.producer.topic.metadata.propagation.max.ms=6000"  # until librdkafka believes it


def delete(servers, topic):
    admin = AdminClient({"bootstrap.servers": servers})
    for deleted in admin.delete_topics([topic]).values():
        deleted.result(10)
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, "it is gone")


@pytest.mark.parametrize(
    ("deleted", "delivery"),
    [
        ("dead_letters", "at-least-once"),
        ("output", "at-least-once"),
        ("output", "exactly-once"),
    ],
)
def test_the_worker_says_so_and_ends(kafka, monkeypatch, deleted, delivery):
    monkeypatch.setattr(base, "MOST_RECOVERIES", 5)
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    gone = getattr(topics, deleted)
    chosen = settings(servers, topics, SOON, f"kafka.delivery={delivery}")
    with pytest.raises(Stop, match=f"^topics are missing: {gone}; create"), running(chosen) as app:
        produce(servers, topics.input, [Record(b'{"query": "red"}'), Record(b"bad")])
        wait_until(lambda: done(app, 2)() and is_ready(app), "both are out")
        delete(servers, gone)
        texts = [b'{"query": "red", "n": %d}' % n for n in range(COUNT)]
        records = [Record(b"bad" if n in BAD else text) for n, text in enumerate(texts)]
        produce(servers, topics.input, records)
        began = time.monotonic()
        wait_until(lambda: not is_ready(app), "it is not ready", 20)
        assert gone in app.runner.commits._delivery.missing, "the topic is named"
        assert time.monotonic() - began < 15
        wait_until(lambda: app._state == "stopped", "the worker ends by itself", 30)
    if deleted == "output":
        return
    before = BAD[0] + 2
    found = read(servers, [topics.output], 1)
    times = Counter(json.loads(message.value()).get("n") for message in found)
    assert committed(servers, topics.input, topics.input) == {0: before}
    assert max(times.values()) == 1, "nothing is produced while the topic is missing"


def test_a_stop_meanwhile_is_no_clean_end(kafka):
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    chosen = settings(servers, topics, SOON, "lifecycle.shutdown_timeout_s=6")
    with program.started("run", *program.assignments(chosen), "--set", SOON) as worker:
        worker.says("assigned: partitions")
        delete(servers, topics.dead_letters)
        produce(servers, topics.input, [Record(b'{"query": "red"}'), Record(b"bad")] * 50)
        worker.says(f"nothing can be produced: topics are missing: {topics.dead_letters}")
        worker.popen.terminate()
        assert worker.ended(12) == 1, worker.log
    assert "what came since the last commit will be consumed again" in worker.log
