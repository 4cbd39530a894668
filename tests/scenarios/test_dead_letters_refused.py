"""Where Kafka does not let dead letters be read or replayed, one line says why and what to do."""

import json

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, ResourceType

from tests import program
from tests.librdkafka import produce_with_header
from tests.servers.kafka import PASSWORD, USER
from tests.stream import Record, Topics, produce, read, settings

ERROR = (("x-error-type", b"internal_error"), ("x-source-partition", b"0"))


def output(chosen, *arguments, code=1, also=()):
    done = program.run("dead-letters", *arguments, *program.assignments(chosen), *also)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    return done.stderr if code else done.stdout


def letters(topics, count, value=b"{}"):
    source = ("x-source-topic", topics.input.encode())
    offsets = (("x-source-offset", b"%d" % number) for number in range(count))
    return [Record(value, b"k", (*ERROR, source, offset)) for offset in offsets]


def test_no_topic_and_no_broker(kafka):
    chosen = settings(kafka.bootstrap_servers, Topics.fresh())
    for command in (["list"], ["show", "queries-0-0"], ["replay", "--yes"]):
        assert "does not exist" in output(chosen, *command)
    assert "start it" in output(settings("127.0.0.1:9", Topics.fresh()), "list")


def test_the_right_that_is_missing_is_named(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.dead_letters)
    produce(kafka.bootstrap_servers, topics.dead_letters, letters(topics, 3))
    chosen = settings(kafka.guarded, topics)
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    login |= {"sasl.username": USER, "sasl.password": PASSWORD}
    flags = [f"kafka.client.{key}={value}" for key, value in login.items()]
    also = [word for flag in flags for word in ("--set", flag)]
    replay = ("replay", "--yes")
    topic, input_topic, name = topics.dead_letters, topics.input, f"{topics.input}.replay"

    assert f"READ on topic {topic}" in output(chosen, "list", also=also)
    kafka.allow(ResourceType.TOPIC, topic, AclOperation.READ)
    assert "3 dead letters" in output(chosen, "list", code=0, also=also)
    assert f"WRITE on topic {input_topic}" in output(chosen, *replay, also=also)
    kafka.allow(ResourceType.TOPIC, input_topic, AclOperation.DESCRIBE)
    assert f"WRITE on transactional id {name}" in output(chosen, *replay, also=also)
    kafka.allow(ResourceType.TRANSACTIONAL_ID, name, AclOperation.WRITE)
    assert "WRITE on topics" in output(chosen, *replay, also=also)
    kafka.allow(ResourceType.TOPIC, input_topic, AclOperation.WRITE)
    assert "WRITE on topics" in output(chosen, *replay, also=also)
    kafka.allow(ResourceType.TOPIC, topic, AclOperation.WRITE)
    assert "3 dead letters sent" in output(chosen, *replay, code=0, also=also)
    assert len(read(kafka.bootstrap_servers, [input_topic], 3)) == 3


def test_only_what_the_input_topic_refuses_stays(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, partitions=1, config={"max.message.bytes": "2000"})
    kafka.create(topics.dead_letters, partitions=1)
    large = Record(bytes(range(256)) * 10, b"large", ERROR)
    produce(kafka.bootstrap_servers, topics.dead_letters, [*letters(topics, 9), large])
    chosen = settings(kafka.bootstrap_servers, topics, "kafka.producer.compression.type=none")
    also = ["--set", "kafka.producer.compression.type=none"]
    done = program.run(
        *("dead-letters", "replay", "--yes", "--json", "--foreign"),
        *(*program.assignments(chosen), *also),
    )
    assert done.stdout, done.stderr
    outcome = json.loads(done.stdout)
    assert (done.returncode, outcome["replayed"]) == (1, 9)
    assert [item["letter"] for item in outcome["refused"]] == [f"{topics.dead_letters}-0-9"]
    assert len(read(kafka.bootstrap_servers, [topics.input], 9)) == 9


def test_headers_that_cannot_be_read_are_reported_and_stay(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.dead_letters)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    produce_with_header(producer, topics.dead_letters, b"k", b"value", b"b\xffd")
    assert producer.flush(30) == 0
    chosen = settings(kafka.bootstrap_servers, topics)
    row = json.loads(output(chosen, "list", "--json", code=0))
    assert (row["reason"], row["foreign"]) == ("foreign", True)
    assert "a name is not UTF-8" in output(chosen, "show", row["letter"], code=0)
    text = output(chosen, "replay", "--yes", "--foreign", code=0)
    assert "0 dead letters sent" in text and "headers cannot be read" in text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", "queries"], "topic-partition-offset"),
        (["list", "--since", "yesterday"], "write 90s, 30m, 2h or 7d"),
        (["list", "--since", "1h", "--until", "2h"], "--since is not before --until"),
        (["replay", "--yes", "--max-attempts", "0"], "Invalid value for '--max-attempts'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, problem):
    done = program.run("dead-letters", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr and done.stderr.count("\n") == 1
