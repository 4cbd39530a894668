"""Partitions that a static member left to nobody, killed amid a rebalance, get an owner."""

from contextlib import closing, contextmanager

import pytest
from confluent_kafka import Consumer

from tests.stream import Record, Topics, produce, running, settings, wait_until
from worker.stream import ownership
from worker.stream.clients import consumer_properties

pytestmark = pytest.mark.filterwarnings("ignore:list_groups")  # ownership.py says why it is called
PARTITIONS = {0, 1, 2, 3}


@contextmanager
def killed_while_it_gives_up(kafka, chosen, other):
    """A member that owns all; once `other` has joined it does not give anything up any more.

    As far as the group can see it is dead as soon as another comes with its id.
    """
    with closing(Consumer(consumer_properties(chosen.kafka) | {"log_level": 0})) as member:
        member.subscribe([chosen.kafka.input_topic])
        wait_until(lambda: member.poll(0.1) or len(member.assignment()) == 4, "it owns all", 30)
        with running(other) as app:
            group = ownership.Group(chosen.kafka)
            wait_until(group.unowned, "partitions are to be given up", 30)
            yield app


def test_they_are_assigned_after_a_while(kafka, monkeypatch):
    monkeypatch.setattr(ownership, "LOOK_S", 0.2)
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    first, second = (
        settings(kafka.bootstrap_servers, topics, f"kafka.consumer.group.instance.id={name}")
        for name in ("first", "second")
    )
    with killed_while_it_gives_up(kafka, first, second) as other, running(first) as successor:
        apps = other, successor

        def owned():
            return {number for app in apps for number in app.runner.offsets.owned()}

        wait_until(owned, "the successor took the place", 30)
        assert owned() < PARTITIONS, "nothing was left without an owner"
        monkeypatch.setattr(ownership, "LEFT_S", 1.0)
        wait_until(lambda: owned() == PARTITIONS, "each has an owner", 30)
        assert sum(app.metrics.rebalances.labels("forced")._value.get() for app in apps) >= 1
        records = [Record(b'{"query": "red shoes"}', partition=n) for n in PARTITIONS]
        produce(kafka.bootstrap_servers, topics.input, records)
        published = lambda: sum(app.runner.totals.published for app in apps)  # noqa: E731
        wait_until(lambda: published() == len(records), "all came out", 30)
