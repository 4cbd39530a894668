"""A flood of rejections stops the worker, also one that is started again, and nothing is lost."""

import json

import pytest

from tests import program
from tests.stream import Record, committed, done, produce, read, running, settings, wait_until

GOOD, BAD = 300, 3000


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_flood_stops_the_worker_and_nothing_is_lost(real_broker, delivery):
    topics, address = real_broker.topics(), real_broker.bootstrap_servers
    records = [Record(b'{"query": "red shoes", "n": %d}' % n) for n in range(GOOD)]
    records += [Record(b"<xml/>", b"%d" % n) for n in range(BAD)]
    produce(address, topics.input, records)
    delivered = f"kafka.delivery={delivery}"
    chosen = settings(address, topics, delivered)
    for begins_anew in (True, False):  # started again, the flood goes on: it stops at once
        stopped = program.run("run", *program.assignments(chosen))
        assert stopped.returncode == 1
        message = stopped.stderr.splitlines()[-1]
        assert "as invalid_json: more than dead_letters.max_share = 0.5 allows" in message
        assert "query-worker dead-letters list" in message and "Traceback" not in stopped.stderr
        assert ("of before this start count on" in stopped.stderr) != begins_anew
    letters = read(address, [topics.dead_letters], 1)
    assert len(letters) <= 500
    assert committed(address, topics.input, topics.input).get(0, 0) <= GOOD + len(letters)

    willing = settings(address, topics, delivered, "dead_letters.max_share=1")
    left = len(records) - committed(address, topics.input, topics.input).get(0, 0)
    with running(willing) as app:
        wait_until(done(app, left), "the rest")
    assert {m.key() for m in read(address, [topics.dead_letters], BAD)} == {
        b"%d" % n for n in range(BAD)
    }
    outputs = read(address, [topics.output], GOOD)
    assert {json.loads(m.value())["n"] for m in outputs} == set(range(GOOD))
