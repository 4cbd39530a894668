"""The lag is what the group has not committed, of what each partition still holds."""

from contextlib import suppress

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from tests.stream import Record, produce, settings, wait_until
from worker.stream.admin import Backlog


def test_it_is_counted_from_the_last_commit(broker):
    servers, topics = broker.bootstrap_servers, broker.topics()
    produce(servers, topics.input, [Record(b"any", partition=n % 2) for n in range(20)])
    consumer = Consumer({"bootstrap.servers": servers, "group.id": topics.input})
    consumer.commit(offsets=[TopicPartition(topics.input, 1, 4)], asynchronous=False)
    consumer.close()
    backlog = Backlog(settings(servers, topics).kafka)
    assert backlog.lag([0, 1, 2]) == {0: 10, 1: 6, 2: 0}
    assert backlog.lag([]) == {}


def told(backlog, *partitions):
    """The lag; nothing while the cluster has no answer."""
    with suppress(KafkaException):
        return backlog.lag(partitions)
    return {}


def test_a_partition_that_is_not_known_yet_hides_no_other_and_is_known_soon(real_broker):
    servers, topics = real_broker.bootstrap_servers, real_broker.topics()
    produce(servers, topics.input, [Record(b"any")] * 3)
    backlog = Backlog(settings(servers, topics).kafka)
    wait_until(lambda: told(backlog, 0, 1) == {0: 3, 1: 0}, "the group has a coordinator")
    admin = AdminClient({"bootstrap.servers": servers})
    for added in admin.create_partitions([NewPartitions(topics.input, 6)]).values():
        added.result(10)
    produce(servers, topics.input, [Record(b"any")])
    assert told(backlog, 0, 5).get(0) == 4, "as it is now"
    wait_until(lambda: told(backlog, 0, 5) == {0: 4, 5: 0}, "the new one is known", 15)


def test_what_retention_deleted_is_no_lag(real_broker):
    servers, topics = real_broker.bootstrap_servers, real_broker.topics()
    produce(servers, topics.input, [Record(b"any")] * 20)
    admin = AdminClient({"bootstrap.servers": servers})
    for deleted in admin.delete_records([TopicPartition(topics.input, 0, 15)]).values():
        deleted.result(10)
    assert Backlog(settings(servers, topics).kafka).lag([0]) == {0: 5}


def test_what_an_open_transaction_holds_back_is_lag(real_broker):
    servers, topics = real_broker.bootstrap_servers, real_broker.topics()
    producer = Producer({"bootstrap.servers": servers, "transactional.id": topics.input})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topics.input, b"any", partition=0)
    producer.flush(10)
    produce(servers, topics.input, [Record(b"any")] * 5)
    backlog = Backlog(settings(servers, topics).kafka)
    assert backlog.lag([0]) == {0: 6}
    producer.abort_transaction(10)


def test_a_cluster_that_is_away_is_an_error_and_no_lag_of_nothing(real_broker):
    chosen = settings("localhost:1", real_broker.topics())
    with pytest.raises(KafkaException):
        Backlog(chosen.kafka).lag([0], timeout_s=0.2)
