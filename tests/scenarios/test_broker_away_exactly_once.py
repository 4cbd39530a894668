"""Exactly once, a broker that was away finds the worker at work again, and each record out once."""

import json

from tests.stream import Record, Topics, done, produce, read, running, settings, wait_until


def test_after_its_restart_transactions_go_on(kafka):
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    chosen = settings(servers, topics, "kafka.delivery=exactly-once")
    with running(chosen) as app:
        for count in (1, 2):
            produce(servers, topics.input, [Record(b'{"query": "red shoes"}')])
            wait_until(done(app, count), f"record {count} is committed")
            if count == 1:
                kafka.stop()
                kafka.start()
    ids = [json.loads(message.value())["query_id"] for message in read(servers, [topics.output], 2)]
    assert sorted(ids) == [f"{topics.input}-0-0", f"{topics.input}-0-1"]
