"""Servers that are not there: `run` says what it waits for, and goes on when they come."""

import json
import socket

from tests import program
from tests.stream import Record, Topics, committed, produce, read, settings, shoes, wait_until


def test_it_says_what_it_waits_for_and_gives_up_at_its_deadline(embedded_broker):
    chosen = settings(
        *("127.0.0.1:9", Topics.fresh(), "lifecycle.startup_timeout_s=3"),
        *("inference.backend=triton", "inference.url=127.0.0.1:9"),
    )
    with program.started("run", *program.assignments(chosen)) as worker:
        worker.says("waiting for Triton at 127.0.0.1:9 (3 s left)")
        worker.says("waiting for Kafka at 127.0.0.1:9 (")
        assert worker.ended(30) == 1
    triton, kafka = worker.lines[-2:]
    assert triton.startswith("query-worker: Triton at 127.0.0.1:9: ") and "start it" in triton
    assert kafka.startswith("Kafka at 127.0.0.1:9: ") and "start it" in kafka
    assert "Traceback" not in worker.log


def test_missing_topics_are_named_until_they_are_created(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input)
    chosen = settings(kafka.bootstrap_servers, topics)
    with program.started("run", *program.assignments(chosen)) as worker:
        worker.says(f"topics are missing: {topics.output}, {topics.dead_letters}; create them")
        kafka.create(topics.output, topics.dead_letters)
        produce(kafka.bootstrap_servers, topics.input, [Record(b'{"query": "red shoes"}')])
        (message,) = read(kafka.bootstrap_servers, [topics.output], 1)
        assert json.loads(message.value())["query"] == "red shoes"
        worker.popen.terminate()
        assert worker.ended() == 0


def test_a_taken_port_is_reported_in_one_line(embedded_broker):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        chosen = settings(
            embedded_broker.bootstrap_servers, embedded_broker.topics(), f"server.port={port}"
        )
        with program.started("run", *program.assignments(chosen)) as worker:
            assert worker.ended() == 2
    assert "set server.port to a free one" in worker.lines[-1]
    assert "Traceback" not in worker.log


def test_a_broker_that_restarts_in_the_middle_loses_nothing(kafka_of_its_own):
    broker, topics = kafka_of_its_own, Topics.fresh()
    broker.create(topics.input, topics.output, topics.dead_letters)
    chosen = settings(broker.bootstrap_servers, topics)
    group = broker.bootstrap_servers, chosen.kafka.group_id, topics.input
    with program.started("run", *program.assignments(chosen)) as worker:
        produce(broker.bootstrap_servers, topics.input, shoes(0, 1500))
        read(broker.bootstrap_servers, [topics.output], 100, rest=False)
        broker.kill()
        worker.says("Kafka: ")
        broker.start()
        produce(broker.bootstrap_servers, topics.input, shoes(1500, 1500))
        wait_until(lambda: sum(committed(*group).values()) == 3000, "all is committed", 120, 0.2)
        worker.popen.terminate()
        assert worker.ended() == 0, worker.log
    found = read(broker.bootstrap_servers, [topics.output], 3000)
    assert len({json.loads(message.value())["query"] for message in found}) == 3000
