"""A record whose header name is not UTF-8 is dead-lettered, and the stream goes on."""

import json

from confluent_kafka import Producer

from tests.librdkafka import produce_with_header
from tests.stream import committed, done, read, running, settings, wait_until

COUNT = 60  # more than a few: Python calls a method that it called often in another way
BAD = range(0, COUNT, 3)


def test_a_header_name_that_is_not_utf8_costs_only_its_own_record(broker):
    topics = broker.topics()
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    values = [b'{"query": "red shoes %d"}' % number for number in range(COUNT)]
    for number, value in enumerate(values):
        name = b"b\xffd" if number in BAD else b"good"
        produce_with_header(producer, topics.input, b"k%d" % number, value, name)
    assert producer.flush(30) == 0
    quick = "kafka.consumer.group.protocol=consumer"
    with running(settings(broker.bootstrap_servers, topics, quick)) as app:
        wait_until(done(app, COUNT), "all records")
    found = read(broker.bootstrap_servers, [topics.output, topics.dead_letters], COUNT)
    letters = {m.key(): m for m in found if m.topic() == topics.dead_letters}
    assert set(letters) == {b"k%d" % number for number in BAD}
    for key, letter in letters.items():
        assert letter.value() == values[int(key[1:])]
        headers = dict(letter.headers())
        assert (headers["x-error-stage"], headers["x-error-type"]) == (
            b"decode",
            b"invalid_headers",
        )
    outputs = [m for m in found if m.topic() == topics.output]
    assert len(outputs) == COUNT - len(BAD)
    for message in outputs:
        query = json.loads(values[int(message.key()[1:])])["query"]
        assert json.loads(message.value())["query"] == query
        assert message.headers() == [("good", b"value")]
    assert committed(broker.bootstrap_servers, topics.input, topics.input) == {0: COUNT}
