"""A user without the rights it needs: the worker is not ready, and says which to add."""

import logging

from confluent_kafka.admin import AclOperation, ResourceType

from tests.servers.kafka import PASSWORD, USER
from tests.stream import Record, Topics, done, is_ready, produce, running, settings, wait_until
from worker.commands import check


def guarded(kafka, topics):
    """A worker on the listener where rights are asked for."""
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    login |= {"sasl.username": USER, "sasl.password": PASSWORD}
    flags = [f"kafka.client.{name}={value}" for name, value in login.items()]
    return settings(kafka.guarded, topics, "kafka.consumer.group.protocol=consumer", *flags)


def findings(chosen):
    return {item.part: item for item in check._kafka(chosen.kafka)}


def test_check_and_run_name_the_right_that_is_missing(kafka, caplog):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    chosen = guarded(kafka, topics)
    hidden = findings(chosen)[f"topic {topics.input}"]
    assert (hidden.state, "DESCRIBE" in hidden.message) == ("fault", True)

    for name in (topics.output, topics.dead_letters):
        kafka.allow(ResourceType.TOPIC, name, AclOperation.WRITE)
    kafka.allow(ResourceType.TOPIC, topics.input, AclOperation.DESCRIBE)
    found = findings(chosen)
    group, topic = f"group {topics.input}", f"topic {topics.input}"
    for what in (group, topic):
        item = found[f"access to {what}"]
        assert (item.state, item.remedy) == ("fault", f"add an ACL: READ on {what}")

    caplog.set_level(logging.WARNING, "worker.stream.consumer")
    with running(chosen) as app:
        wait_until(lambda: f"add an ACL: READ on {group}" in caplog.text, "the group's is logged")
        assert not is_ready(app)
        kafka.allow(ResourceType.GROUP, topics.input, AclOperation.READ)
        wait_until(lambda: f"add an ACL: READ on {topic}" in caplog.text, "the topic's is logged")
        assert not is_ready(app)
        kafka.allow(ResourceType.TOPIC, topics.input, AclOperation.READ)
        wait_until(lambda: is_ready(app), "ready, though there is nothing to read")
        produce(kafka.bootstrap_servers, topics.input, [Record(b'{"query": "red shoes"}')])
        wait_until(done(app, 1), "the record")
    assert findings(chosen)[f"access to {group}"].state == "ok"
