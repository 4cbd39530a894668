"""SIGTERM drains inside its deadline; what is committed is always out; a crash loses nothing."""

import json
import re
import signal

import pytest

from tests import program
from tests.stream import Record, committed, produce, read, settings, wait_until

COUNT = 6000


@pytest.fixture
def backlog(broker):
    """A topic with more records than a moment's work, and the settings of its worker."""
    topics = broker.topics()
    values = (b'{"query": "red shoes %d", "n": %d}' % (n % 400, n) for n in range(COUNT))
    produce(
        broker.bootstrap_servers,
        topics.input,
        (Record(value, partition=n % 4) for n, value in enumerate(values)),
    )
    return topics, settings(broker.bootstrap_servers, topics)


def outputs(broker, topics, least):
    return [json.loads(m.value()) for m in read(broker.bootstrap_servers, [topics.output], least)]


def below(topics, offsets, events):
    """The ids of all committed records, and those of them that are out."""
    wanted = {f"{topics.input}-{p}-{o}" for p, end in offsets.items() for o in range(end)}
    return wanted, wanted & {event["query_id"] for event in events}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(broker, backlog, number):
    topics, chosen = backlog
    with program.started("run", *program.assignments(chosen)) as worker:
        read(broker.bootstrap_servers, [topics.output], 200, rest=False)
        worker.popen.send_signal(number)
        assert worker.ended(chosen.lifecycle.shutdown_timeout_s) == 0, worker.log
    consumed, published = map(
        int, re.search(r"consumed (\d+), published (\d+), dead-lettered 0", worker.log).groups()
    )
    assert consumed == published, worker.log
    events = outputs(broker, topics, published)
    offsets = committed(broker.bootstrap_servers, chosen.kafka.group_id, topics.input)
    assert len(events) == published == sum(offsets.values())
    wanted, out = below(topics, offsets, events)
    assert wanted == out
    assert "Traceback" not in worker.log


def test_after_sigkill_nothing_committed_is_lost_and_the_rest_is_done_again(broker, backlog):
    topics, chosen = backlog
    flags = program.assignments(chosen)
    flags += ["--set", "kafka.consumer.session.timeout.ms=6000"]
    group = broker.bootstrap_servers, chosen.kafka.group_id, topics.input
    # Without the cache the backlog takes far longer than the first commit.
    with program.started("run", *flags, "--set", "understanding.cache_bytes=0") as worker:
        wait_until(lambda: committed(*group), "something is committed", 60, 0.1)
        worker.popen.kill()
        worker.ended()
    offsets = committed(*group)
    assert 0 < sum(offsets.values()) < COUNT
    wanted, out = below(topics, offsets, outputs(broker, topics, sum(offsets.values())))
    assert wanted == out
    with program.started("run", *flags) as worker:
        wait_until(
            lambda: sum(committed(*group).values()) == COUNT,
            "the successor has done the rest",
            120,
            1.0,
        )
        worker.popen.terminate()
        assert worker.ended() == 0
    wanted, out = below(topics, committed(*group), outputs(broker, topics, COUNT))
    assert len(wanted) == COUNT and wanted == out, "a record was lost"


def test_a_signal_while_it_waits_for_servers_ends_it(embedded_broker):
    chosen = settings(
        *(embedded_broker.bootstrap_servers, embedded_broker.topics()),
        *("inference.backend=triton", "inference.url=127.0.0.1:9"),
    )
    with program.started("run", *program.assignments(chosen)) as worker:
        worker.says("waiting for Triton at 127.0.0.1:9")
        worker.popen.terminate()
        assert worker.ended() == 0, worker.log


def test_a_second_signal_ends_at_once(embedded_broker, triton):
    """A model server that hangs keeps the drain waiting; nothing of it may be committed."""
    topics = embedded_broker.topics()
    chosen = settings(
        *(embedded_broker.bootstrap_servers, topics, "lifecycle.shutdown_timeout_s=600"),
        *("inference.backend=triton", f"inference.url={triton.url}"),
    )
    with program.started("run", *program.assignments(chosen)) as worker:
        worker.says("assigned: partitions")
        with triton.frozen():
            produce(embedded_broker.bootstrap_servers, topics.input, [Record(b'{"query": "red"}')])
            worker.says("trying again")
            worker.popen.terminate()
            worker.says("draining: 1 batches in flight")
            worker.popen.terminate()
            assert worker.ended(30) == 1
            assert "stopped by force" in worker.log
    assert committed(embedded_broker.bootstrap_servers, topics.input, topics.input) == {}
