"""A record that kills the process is found after some restarts, and set aside; no other suffers."""

import json
import os

import pytest

from tests import program
from tests.stream import Record, committed, produce, read, settings, wait_until

COUNT, DEADLY = 60, 23
# The program as it is, but for a fault that no Python code can catch.
FAULT = """
import os
import worker.event as events
decode = events._parse
def fatal(value):
    if b"deadly" in value:
        os.abort()
    return decode(value)
events._parse = fatal
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(FAULT)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_it_is_set_aside(real_broker, faulty, delivery):
    servers, topics = real_broker.bootstrap_servers, real_broker.topics()
    values = [b'{"query": "red shoes %d"}' % n for n in range(COUNT)]
    values[DEADLY] = b'{"query": "deadly"}'
    produce(servers, topics.input, map(Record, values))
    chosen = settings(servers, topics, f"kafka.delivery={delivery}", "batching.max_records=10")
    flags = program.assignments(chosen)
    flags += ["--set", "kafka.consumer.session.timeout.ms=6000"]
    flags += ["--set", "kafka.consumer.group.instance.id=one"]  # its successor need not wait
    group, deaths = (servers, topics.input, topics.input), 0
    while committed(*group) != {0: COUNT}:
        with program.started("run", *flags) as worker:
            wait_until(
                lambda: worker.popen.poll() is not None or committed(*group) == {0: COUNT},
                "it dies, or all is committed",
            )
            worker.popen.terminate()
            deaths += worker.ended() != 0
            assert deaths < 8, worker.log
    assert deaths in (4, 5), "three in a batch, then alone"
    (letter,) = read(servers, [topics.dead_letters], 1)
    assert letter.value() == values[DEADLY]
    assert dict(letter.headers())["x-error-type"] == b"process_died"
    ids = {json.loads(m.value())["query_id"] for m in read(servers, [topics.output], COUNT - 1)}
    assert ids == {f"{topics.input}-0-{n}" for n in range(COUNT) if n != DEADLY}
