"""An output that its topic refuses is dead-lettered alone, and the others keep their order.

At least once, what was produced since the last commit comes twice for it.
"""

import json
import random
import time

import pytest

from tests.stream import Record, Topics, committed, produce, read, running, settings, wait_until
from worker.errors import Stop
from worker.stream.producer import OutputProducer

LIMIT = 3000  # bytes of a compressed request; most outputs have about half of it
COUNT = 120
ABORTED = "query_worker_commits_total", {"outcome": "aborted"}
TOO_LARGE = range(7, COUNT, 20)


@pytest.fixture
def topics(kafka):
    """Topics of one partition; that of the outputs takes little at a time."""
    topics = Topics.fresh()
    kafka.create(topics.output, partitions=1, config={"max.message.bytes": str(LIMIT)})
    kafka.create(topics.input, topics.dead_letters, partitions=1)
    return topics


def value(number):
    """Padded with what hardly compresses, so that neighbours in one request are too much."""
    padding = random.Random(number).randbytes(LIMIT if number in TOO_LARGE else 300).hex()
    return json.dumps({"query": f"red shoes {number % 40}", "n": number, "p": padding}).encode()


def numbers(messages, delivery):
    """Which came out, in their order; at least once, each for the first time."""
    found = [json.loads(message.value())["n"] for message in messages]
    return list(dict.fromkeys(found)) if delivery == "at-least-once" else found


@pytest.mark.parametrize(
    ("delivery", "known"),
    [("at-least-once", True), ("exactly-once", True), ("exactly-once", False)],
)
def test_only_what_is_too_large_is_dead_lettered(kafka, topics, delivery, known, monkeypatch):
    """Exactly once, a refusal undoes a transaction: what is known to be too large is not sent."""
    if not known:
        monkeypatch.setattr(OutputProducer, "too_large", lambda *_: False)
    servers = kafka.bootstrap_servers
    records = [Record(value(number), key=b"same") for number in range(COUNT)]
    produce(servers, topics.input, records)
    chosen = settings(servers, topics, "batching.max_records=10", f"kafka.delivery={delivery}")
    with running(chosen) as app:
        group = servers, topics.input, topics.input
        wait_until(lambda: committed(*group) == {0: COUNT}, "all records", pause_s=0.2)
        aborted = app.metrics.registry.get_sample_value(*ABORTED)
        assert bool(aborted) == (delivery == "exactly-once" and not known)
    fitting = [number for number in range(COUNT) if number not in TOO_LARGE]
    outputs = read(servers, [topics.output], len(fitting))
    assert numbers(outputs, delivery) == fitting
    letters = read(servers, [topics.dead_letters], len(TOO_LARGE))
    assert numbers(letters, delivery) == list(TOO_LARGE)
    assert all(letter.value() == value(json.loads(letter.value())["n"]) for letter in letters)
    for letter in letters:
        told = dict(letter.headers())
        assert (told["x-error-stage"], told["x-error-type"]) == (b"produce", b"output_refused")
        assert told["x-error-message"].startswith(topics.output.encode() + b" refused it: ")


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_record_that_no_topic_takes_ends_each_start_and_nothing_comes_twice(kafka, delivery):
    servers, topics, large = kafka.bootstrap_servers, Topics.fresh(), COUNT // 2
    kafka.create(topics.input, partitions=1, config={"max.message.bytes": "5000000"})
    kafka.create(topics.output, topics.dead_letters, partitions=1)
    values = [json.dumps({"query": f"red shoes {n}", "n": n}).encode() for n in range(COUNT)]
    values[large] = json.dumps({"query": "red", "p": random.Random(1).randbytes(10**6).hex()})
    records = [Record(value) for value in values]
    produce(servers, topics.input, records)
    chosen = settings(
        *(servers, topics, f"kafka.delivery={delivery}", "understanding.max_event_bytes=9000000")
    )
    for _ in range(2):
        refused = f"^{topics.dead_letters} refuses the dead letter of .*-{large}: .*max.message"
        with pytest.raises(Stop, match=refused), running(chosen) as app:
            wait_until(lambda app=app: app._state == "stopped", "the worker ends by itself", 30)
        assert committed(servers, topics.input, topics.input) == {0: large}
    outputs = read(servers, [topics.output], large)
    assert [json.loads(message.value())["n"] for message in outputs] == list(range(large))


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_only_what_is_too_old_for_the_outputs_is_dead_lettered(kafka, delivery):
    """A broker refuses the whole request, and tells each record's part in that."""
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.output, partitions=1, config={"message.timestamp.before.max.ms": "3600000"})
    kafka.create(topics.input, topics.dead_letters, partitions=1)
    long_ago = int(time.time() * 1000) - 86_400_000
    times = [long_ago if number in TOO_LARGE else 0 for number in range(COUNT)]
    records = [Record(b'{"query": "a", "n": %d}' % n, timestamp=t) for n, t in enumerate(times)]
    produce(servers, topics.input, records)
    chosen = settings(servers, topics, "batching.max_records=10", f"kafka.delivery={delivery}")
    with running(chosen):
        group = servers, topics.input, topics.input
        wait_until(lambda: committed(*group) == {0: COUNT}, "all records", pause_s=0.2)
    outputs = read(servers, [topics.output], COUNT - len(TOO_LARGE))
    fitting = [number for number in range(COUNT) if number not in TOO_LARGE]
    assert numbers(outputs, delivery) == fitting
    letters = read(servers, [topics.dead_letters], len(TOO_LARGE))
    assert numbers(letters, delivery) == list(TOO_LARGE)
