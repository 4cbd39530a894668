"""A worker that stands still beyond its session, again and again, is not taken for dead."""

import os
import signal
import time
from contextlib import ExitStack

import pytest

from tests import program
from tests.servers.kafka import ApacheKafka, unavailable
from tests.skips import skip_or_fail
from tests.stream import Record, Topics, committed, produce, read, settings, wait_until

COUNT, LOSSES, SESSION_S = 20, 6, 1.0
# The program as it is, but for models that do not answer before a file is there.
FAULT = """
import asyncio, os
from worker.understanding.pipeline import Pipeline
process = Pipeline.process
async def late(self, inputs):
    while not os.path.exists({path!r}):
        await asyncio.sleep(0.05)
    return await process(self, inputs)
Pipeline.process = late
"""


@pytest.fixture
def broker():
    """One that takes short sessions."""
    if reason := unavailable():
        skip_or_fail(reason)
    broker = ApacheKafka(properties={"group.min.session.timeout.ms": 500})
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """A file: the models answer when it is there."""
    path = tmp_path / "answer"
    (tmp_path / "sitecustomize.py").write_text(FAULT.format(path=str(path)))
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    return path


def test_no_healthy_record_is_set_aside(broker, answer):
    servers, topics = broker.bootstrap_servers, Topics.fresh()
    broker.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    produce(servers, topics.input, [Record(b'{"query": "shoes %d"}' % n) for n in range(COUNT)])
    chosen = settings(servers, topics)
    flags = [*program.assignments(chosen), "--set", "logging.level=debug"]
    for name, value in (("session.timeout.ms", 1000 * SESSION_S), ("heartbeat.interval.ms", 200)):
        flags += ["--set", f"kafka.consumer.{name}={value:.0f}"]
    with ExitStack() as both:
        workers = [both.enter_context(program.started("run", *flags)) for _ in range(2)]
        for _ in range(LOSSES):
            owner = owning(workers)
            time.sleep(0.5)  # it takes the first records
            owner.popen.send_signal(signal.SIGSTOP)
            other = next(worker for worker in workers if worker is not owner)
            lines = len(other.lines)
            other.says("assigned: partitions [0]", since=lines)
            lines = len(owner.lines)
            owner.popen.send_signal(signal.SIGCONT)
            owner.says("lost: partitions [0]", since=lines)
        answer.touch()
        wait_until(lambda: committed(servers, topics.input, topics.input) == {0: COUNT}, "all")
        assert not any("one record at a time" in worker.log for worker in workers)
    assert len(read(servers, [topics.output], COUNT)) >= COUNT
    assert read(servers, [topics.dead_letters], 0) == []


def owning(workers):
    """The worker that the partition was assigned to last, as soon as one has it."""
    found = []

    def found_one():
        states = [w.log.rfind("assigned: partitions [0]") for w in workers]
        lost = [w.log.rfind("lost: partitions [0]") for w in workers]
        found[:] = [
            w for w, has, gone in zip(workers, states, lost, strict=True) if has > max(gone, -1)
        ]
        return len(found) == 1

    wait_until(found_one, "one owns the partition")
    return found[0]
