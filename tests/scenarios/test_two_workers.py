"""Workers join and leave a group during load; every record comes out, and nothing is skipped."""

import json
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager

from tests import program
from tests.stream import Record, Topics, committed, produce, read, settings, wait_until

COUNT = 4000
PARTITIONS = 4


@contextmanager
def load(servers, topic, count):
    """Records that arrive meanwhile, spread over the partitions; all are in at the end."""
    stop = threading.Event()

    def slowly():
        for n in range(count):
            yield Record(b'{"query": "red shoes %d"}' % (n % 900), partition=n % PARTITIONS)
            if n % 20 == 0:
                stop.wait(0.05)

    feeder = threading.Thread(target=produce, args=(servers, topic, slowly()))
    feeder.start()
    try:
        yield
    finally:
        stop.set()  # the rest at once
        feeder.join()


def ids(topic, offsets):
    return {f"{topic}-{partition}-{o}" for partition, end in offsets.items() for o in range(end)}


def out(servers, topics, least):
    """Query id → how often it came out."""
    found = read(servers, [topics.output], least)
    return Counter(json.loads(message.value())["query_id"] for message in found)


def reconcile(servers, topics, times):
    wanted = ids(topics.input, dict.fromkeys(range(PARTITIONS), COUNT // PARTITIONS))
    assert set(times) == wanted, f"{len(wanted - set(times))} records are missing"


def test_workers_that_come_and_go(kafka):
    """One joins; the first is told to leave; a third joins; one is killed."""
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    chosen = settings(servers, topics)
    flags = [*program.assignments(chosen), "--set", "inference.threads=1"]
    flags += ["--set", "kafka.consumer.session.timeout.ms=10000"]
    group = servers, chosen.kafka.group_id, topics.input
    with ExitStack() as stack:

        def start():
            worker = stack.enter_context(program.started("run", *flags))
            worker.says("assigned: partitions [")
            return worker

        first = start()
        with load(servers, topics.input, COUNT):
            read(servers, [topics.output], 50, rest=False)
            second = start()
            first.says("revoked: partitions")
            first.popen.terminate()
            assert first.ended() == 0, first.log
            third = start()
            second.popen.kill()
            second.ended()
            offsets = committed(*group)
            assert ids(topics.input, offsets) <= set(out(servers, topics, sum(offsets.values())))
        wait_until(lambda: sum(committed(*group).values()) == COUNT, "all is committed", 60, 0.5)
        third.popen.terminate()
        assert third.ended() == 0, third.log
    reconcile(servers, topics, out(servers, topics, COUNT))
