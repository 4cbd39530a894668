"""A replay that is killed, or overtaken by another, sends nothing twice and leaves nothing out."""

import signal
from collections import Counter

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests import program
from tests.stream import Record, produce, read, settings, wait_until

COUNT = 20_000  # many transactions


def letter(topic, number):
    """As the worker writes it."""
    told = {
        **{"x-error-stage": "decode", "x-error-type": "invalid_json", "x-error-message": "no"},
        **{"x-source-topic": topic, "x-source-partition": number % 4, "x-source-offset": number},
        "x-attempts": 1,
    }
    headers = tuple((name, str(value).encode()) for name, value in told.items())
    return Record(b"value %d" % number, b"%d" % number, headers, number % 3)


@pytest.fixture
def replay(real_broker):
    topics = real_broker.topics()
    address = real_broker.bootstrap_servers
    produce(address, topics.dead_letters, (letter(topics.input, n) for n in range(COUNT)))
    chosen = settings(address, topics)
    return address, topics, ("dead-letters", "replay", "--yes", *program.assignments(chosen))


def begun(address, topics):
    """A condition: more records came to the input topic than there were."""
    asker = Consumer({"bootstrap.servers": address, "group.id": "asker"})
    place = TopicPartition(topics.input, 0)
    before = asker.get_watermark_offsets(place, cached=False)[1]
    return lambda: asker.get_watermark_offsets(place, cached=False)[1] > before


def once_each(address, topics):
    values = Counter(m.value() for m in read(address, [topics.input], COUNT))
    assert values == {b"value %d" % number: 1 for number in range(COUNT)}


def test_interrupted_and_killed(replay):
    address, topics, arguments = replay
    for number, code in (signal.SIGINT, 130), (signal.SIGKILL, -9):
        more = begun(address, topics)
        with program.started(*arguments) as stopped:
            wait_until(more, "the first records")
            stopped.popen.send_signal(number)
            assert stopped.ended() == code, stopped.log
            assert ("run it again to send the rest" in stopped.log) == (code == 130)
            assert "Traceback" not in stopped.log
    last = program.run(*arguments)
    assert last.returncode == 0, last.stderr
    once_each(address, topics)


def test_overtaken(replay):
    address, topics, arguments = replay
    with program.started(*arguments) as first:
        wait_until(begun(address, topics), "the first records")
        first.popen.send_signal(signal.SIGSTOP)  # as a machine that goes to sleep
        second = program.run(*arguments)
        first.popen.send_signal(signal.SIGCONT)
        assert first.ended() == 1
        assert "another replay of this group has started" in first.log
        assert "Traceback" not in first.log
    assert second.returncode == 0, second.stderr
    once_each(address, topics)
