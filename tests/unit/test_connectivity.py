"""Connected is who reaches a broker, is let into the group, and may consume."""

import orjson
import pytest
from confluent_kafka import KafkaError

from worker.config.load import load_settings
from worker.stream.connectivity import Connectivity

UP = {"brokers": {"b": {"state": "UP", "source": "learned"}}}


@pytest.fixture
def connectivity():
    found = Connectivity(load_settings(None, {}, []).kafka)
    found.on_statistics(orjson.dumps(UP))
    assert found.connected
    return found


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError.INCONSISTENT_GROUP_PROTOCOL, "partition.assignment.strategy"),
        (KafkaError.INVALID_SESSION_TIMEOUT, "session.timeout.ms"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "create the topic queries"),
        (KafkaError._UNKNOWN_PARTITION, "the topic queries was deleted, or made again"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "add an ACL: READ on group query-worker"),
    ],
)
def test_who_cannot_join_is_not_connected_until_something_is_assigned(
    connectivity, caplog, code, remedy
):
    assert connectivity.on_error(KafkaError(code))
    connectivity.on_statistics(orjson.dumps(UP))
    assert not connectivity.connected
    connectivity.remind(20.0)
    assert remedy in caplog.text
    connectivity.allow()
    assert connectivity.connected


def test_who_was_assigned_something_has_joined(connectivity):
    connectivity.on_error(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    connectivity.on_statistics(orjson.dumps(UP | {"cgrp": {"assignment_size": 0}}))
    assert not connectivity.connected
    connectivity.on_statistics(orjson.dumps(UP | {"cgrp": {"assignment_size": 2}}))
    assert connectivity.connected


@pytest.mark.parametrize("later", [{"fetch_state": "active"}, {"desired": False}])
def test_a_partition_without_an_offset_counts_until_it_is_consumed_or_given_away(
    connectivity, later
):
    def look(**partition) -> bool:
        found = {"hi_offset": -1001, "fetch_state": "none", "desired": True} | partition
        topics = {"queries": {"partitions": {"3": found}}}
        connectivity.on_statistics(orjson.dumps(UP | {"topics": topics}))
        return connectivity.connected

    assert connectivity.on_error(KafkaError(KafkaError._AUTO_OFFSET_RESET), 3)
    assert not look() and not look(hi_offset=5)
    assert look(**later)
