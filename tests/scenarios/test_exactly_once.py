"""Exactly once: whoever is killed or sleeps, each record comes out once, in its order."""

import json
import os
import re
import signal
from collections import Counter
from contextlib import ExitStack

import pytest

from tests import program
from tests.stream import Record, Topics, committed, produce, read, settings, wait_until

COUNT = 2000
PARTITIONS = 4
SESSION_MS = 6000
OWNS = re.compile(r"assigned: partitions \[\d")


def fill(servers, topics):
    records = (
        Record(b'{"query": "red shoes %d"}' % (n % 700), key=b"%d" % (n % 4), partition=n % 4)
        for n in range(COUNT)
    )
    produce(servers, topics.input, records)


def places(servers, topics):
    """(partition, offset) of each output's input, by output partition, in the order they stand."""
    found: dict[int, list[tuple[int, int]]] = {}
    for message in read(servers, [topics.output], COUNT):
        partition, offset = json.loads(message.value())["query_id"].rsplit("-", 2)[1:]
        found.setdefault(message.partition(), []).append((int(partition), int(offset)))
    return found


def reconcile(servers, topics):
    found = places(servers, topics)
    times = Counter(place for group in found.values() for place in group)
    assert len(times) == COUNT, f"{COUNT - len(times)} records are missing"
    assert max(times.values()) == 1, "some came out twice"
    for group in found.values():  # equal keys: the records of a partition come out to one
        for partition in range(PARTITIONS):
            offsets = [offset for number, offset in group if number == partition]
            assert offsets == sorted(offsets)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize("member", ["dynamic", "static"])
def test_a_worker_is_killed_and_another_sleeps_through_its_session(kafka, protocol, member):
    """The one that sleeps wakes as a zombie in the midst of a transaction; nobody believes it."""
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    fill(servers, topics)
    flags = program.assignments(settings(servers, topics, "kafka.delivery=exactly-once"))
    flags += ["--set", "inference.threads=1", "--set", "understanding.cache_bytes=0"]
    flags += ["--set", f"kafka.consumer.group.protocol={protocol}"]
    if protocol == "classic":
        flags += ["--set", f"kafka.consumer.session.timeout.ms={SESSION_MS}"]
    group = servers, topics.input, topics.input
    with ExitStack() as stack:

        def start(name):
            static = ["--set", f"kafka.consumer.group.instance.id={name}"]
            worker = stack.enter_context(
                program.started("run", *flags, *(static if member == "static" else []))
            )
            worker.says("assigned: partitions [")
            return worker

        first, second = start("first"), start("second")
        # Else static members may leave partitions without an owner: docs/delivery.md tells when.
        wait_until(lambda: OWNS.search(second.log), "the second owns partitions", 60, 0.1)
        wait_until(lambda: committed(*group), "something is committed", 60, 0.1)
        first.popen.kill()
        first.ended()
        os.kill(second.popen.pid, signal.SIGSTOP)
        third = start("first")
        wait_until(lambda: sum(committed(*group).values()) > COUNT / 2, "it goes on", 60, 0.5)
        os.kill(second.popen.pid, signal.SIGCONT)
        wait_until(lambda: sum(committed(*group).values()) == COUNT, "all is committed", 120, 0.5)
        for worker in (second, third):
            worker.popen.terminate()
            worker.ended()
            assert "Traceback" not in worker.log, worker.log
    reconcile(servers, topics)
