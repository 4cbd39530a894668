"""`check --acls` lists the rights that the worker needs, which are missing, how to grant them."""

import json
import shlex

from confluent_kafka.admin import AclOperation, ResourceType

from tests import program
from tests.servers.kafka import PASSWORD, USER
from tests.stream import Topics, wait_until
from worker.commands import acls
from worker.config.load import load_settings


def listed(kafka, topics, *more: str):
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    login |= {"sasl.username": USER, "sasl.password": PASSWORD}
    flags = [f"kafka.client.{name}={value}" for name, value in login.items()]
    flags += [f"kafka.bootstrap_servers={kafka.guarded}", f"kafka.group_id={topics.input}"]
    flags += [f"kafka.input_topic={topics.input}", f"kafka.output_topic={topics.output}"]
    flags += [f"kafka.dead_letter_topic={topics.dead_letters}"]
    sets = [word for flag in flags for word in ("--set", flag)]
    return program.run("check", "--acls", *more, *sets)


def test_the_list_turns_from_missing_to_found_as_its_commands_are_followed(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    before = listed(kafka, topics, "--json")
    assert before.returncode == 1
    rights = json.loads(before.stdout)
    needed = {(r["operation"], r["resource"], r["name"]) for r in rights if not r["optional"]}
    assert needed == {
        ("READ", "topic", topics.input),
        ("WRITE", "topic", topics.output),
        ("WRITE", "topic", topics.dead_letters),
        ("READ", "group", topics.input),
    }
    assert not any(right["granted"] for right in rights if not right["optional"])

    for right in rights:
        words = shlex.split(right["command"])
        assert words[words.index("--allow-principal") + 1] == f"User:{USER}"
        kind = {"cluster": ResourceType.BROKER}.get(right["resource"])
        kind = kind or ResourceType[right["resource"].upper()]
        name = right["name"] or "kafka-cluster"
        kafka.allow(kind, name, AclOperation[right["operation"]])

    def all_found() -> bool:  # the group's coordinator may still be starting
        after = listed(kafka, topics)
        comments = [line for line in after.stdout.splitlines() if line.startswith("#")]
        assert (after.returncode, len(comments)) == (0, len(rights))
        # The cluster's own rights are reported only to who may DESCRIBE it.
        topics_and_group = [line for line in comments if "on cluster" not in line]
        return all(line.startswith("# found") for line in topics_and_group)

    wait_until(all_found, "all rights are found")


def comments(done) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("#")]


def test_who_may_only_read_of_the_group_lacks_what_is_on_topics_it_cannot_see(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    kafka.allow(ResourceType.GROUP, topics.input, AclOperation.READ)
    done = listed(kafka, topics)
    assert done.returncode == 1
    assert f"# found: READ on group {topics.input}" in comments(done)
    assert f"# missing: READ on topic {topics.input}" in done.stdout
    assert f"# missing: WRITE on topic {topics.output}" in done.stdout


def test_topics_that_are_not_there_are_missing_on_an_open_broker_too(kafka):
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output)
    flags = [f"kafka.bootstrap_servers={kafka.bootstrap_servers}"]
    flags += [f"kafka.input_topic={topics.input}", f"kafka.output_topic={topics.output}"]
    flags += [f"kafka.dead_letter_topic={topics.dead_letters}"]
    sets = [word for flag in flags for word in ("--set", flag)]
    done = program.run("check", "--acls", *sets)
    assert done.returncode == 1
    missing = [line for line in comments(done) if line.startswith("# missing")]
    assert [line.split(" (")[0] for line in missing] == [
        f"# missing: WRITE on topic {topics.dead_letters}"
    ]
    kafka.create(topics.dead_letters)
    assert program.run("check", "--acls", *sets).returncode == 0
    # Nobody reports rights on transactional ids, so that they cannot be missed.
    done = program.run("check", "--acls", *sets, "--set", "kafka.delivery=exactly-once")
    assert done.returncode == 0 and "# unknown: WRITE on transactional-id" in done.stdout


def test_rights_of_a_cluster_that_does_not_answer_are_not_found():
    done = program.run("check", "--acls", "--set", "kafka.bootstrap_servers=127.0.0.1:9")
    assert done.returncode == 1 and "# unknown: READ on topic queries" in done.stdout


def test_transactions_need_rights_of_their_own():
    chosen = load_settings(None, {}, ["kafka.delivery=exactly-once", "kafka.group_id=g"]).kafka
    lines = [right.command(chosen) for right in acls.needed(chosen)]
    wanted = "--transactional-id g- --resource-pattern-type prefixed"
    for operation in ("Write", "Describe"):
        assert any(f"--operation {operation} {wanted}" in line for line in lines)
