"""A worker whose clock is ahead: brokers refuse records of such a time, and nothing suffers."""

import json

import pytest

from tests import program
from tests.faults import clock
from tests.skips import skip_or_fail
from tests.stream import Record, Topics, produce, read, settings, shoes

AHEAD_S = 7200  # brokers take an hour by default
GOOD, BAD = 40, 2


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_every_record_comes_out_with_its_own_time(kafka, delivery, tmp_path, monkeypatch):
    if reason := clock.unavailable():
        skip_or_fail(f"clocks cannot be set: {reason}")
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters, partitions=4)
    broken = [Record(b"{%d" % n, partition=0) for n in range(BAD)]
    produce(servers, topics.input, shoes(0, GOOD) + broken + shoes(GOOD, GOOD))
    sent = read(servers, [topics.input], 2 * GOOD + BAD)
    times = {record.value(): record.timestamp() for record in sent}
    own = clock.Clock(clock.compile(tmp_path), tmp_path / "offset")
    own.set(AHEAD_S)
    for name, value in own.environment.items():
        monkeypatch.setenv(name, value)
    chosen = settings(servers, topics, f"kafka.delivery={delivery}")
    with program.started("run", *program.assignments(chosen)) as process:
        outputs = read(servers, [topics.output], 2 * GOOD)
        letters = read(servers, [topics.dead_letters], BAD)
        process.popen.terminate()
        assert process.ended() == 0, process.log
    assert "dead letters have their records'" in process.log
    for output in outputs:
        event = json.loads(output.value())
        assert output.timestamp() == times[json.dumps({"query": event["query"]}).encode()]
    for letter in letters:
        assert dict(letter.headers())["x-error-type"] == b"invalid_json"
        assert letter.timestamp() == times[letter.value()]
