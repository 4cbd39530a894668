"""A dead letter that is sent through again and fails again tells its newest reason, once."""

import pytest

from tests.stream import Record, done, produce, read, running, settings, wait_until

EARLIER = (
    ("trace", b"00-abc"),
    ("x-error-stage", b"produce"),
    ("x-error-type", b"output_refused"),
    ("x-error-message", b"too large"),
    ("x-source-topic", b"elsewhere"),
    ("x-source-partition", b"9"),
    ("x-source-offset", b"999"),
    ("x-attempts", b"2"),
    ("x-attempts", b"3"),
)
ATTEMPTS = {  # header as it came → as it goes out
    None: b"1",
    b"": b"1",
    b"many": b"1",
    b"-7": b"1",
    b"9": b"10",
    b"9" * 5000: b"1",  # more digits than Python makes a number of
}


@pytest.fixture(scope="module")
def letters(embedded_broker):
    """All dead letters by key, and the topics."""
    broker, topics = embedded_broker, embedded_broker.topics()
    replayed = ("x-replayed-from", f"{topics.dead_letters}-0-1".encode())
    records = [Record(b"not json", b"replayed", (*EARLIER, replayed))]
    records += [
        Record(b"bad", b"%d" % number, (("x-attempts", value), replayed))
        for number, value in enumerate(ATTEMPTS)
    ]
    records.append(Record(b"bad", b"forged", (("x-attempts", b"9"),)))
    produce(broker.bootstrap_servers, topics.input, records)
    quick = "kafka.consumer.group.protocol=consumer"
    with running(settings(broker.bootstrap_servers, topics, quick)) as app:
        wait_until(done(app, len(records)), "all records")
    found = read(broker.bootstrap_servers, [topics.dead_letters], len(records))
    assert len(found) == len(records)
    return topics, {message.key(): message for message in found}


def test_the_reason_is_replaced_and_the_attempt_counted(letters):
    topics, found = letters
    letter = found[b"replayed"]
    assert letter.value() == b"not json"
    headers = dict(letter.headers())
    assert len(headers) == len(letter.headers()), "a header stands twice"
    assert headers.pop("x-error-message").startswith(b"not JSON")
    assert headers == {
        "trace": b"00-abc",
        "x-error-stage": b"decode",
        "x-error-type": b"invalid_json",
        "x-source-topic": topics.input.encode(),
        "x-source-partition": b"0",
        "x-source-offset": b"0",
        "x-attempts": b"4",
        "x-replayed-from": f"{topics.dead_letters}-0-1".encode(),
    }


@pytest.mark.parametrize("number", range(len(ATTEMPTS)), ids=[str(v)[:8] for v in ATTEMPTS])
def test_whatever_the_header_held_the_attempts_are_a_number(letters, number):
    _, found = letters
    assert dict(found[b"%d" % number].headers())["x-attempts"] == [*ATTEMPTS.values()][number]


def test_attempts_count_only_where_a_replay_has_left_its_header(letters):
    _, found = letters
    assert dict(found[b"forged"].headers())["x-attempts"] == b"1"
