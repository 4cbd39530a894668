"""Every record is published or dead-lettered, in order, with its key, headers and bytes kept."""

import json

import pytest
from confluent_kafka import Message

from tests.stream import Record, done, produce, read, running, schema, settings, wait_until

HEADERS = (("trace", b"00-abc"), ("trace", b"again"), ("empty", b""), ("null", None))
BAD = {
    b"not json": "invalid_json",
    b"": "empty_value",
    b'\x00\x00\x00\x00\x07{"query": "red"}': "schema_registry_framing",
    b'{"query": "half': "invalid_json",
    b'{"query": "\\ud800"}': "invalid_json",
    b'{"query": NaN}': "invalid_json",
    b'{"query": "a", "deep": ' + b"[" * 50_000 + b"]" * 50_000 + b"}": "nested_too_deeply",
    b'{"query": "\xff"}': "invalid_utf8",
    b"[1, 2]": "not_an_object",
    b'{"q": "red shoes"}': "missing_query",
    b'{"query": ["red"]}': "query_not_text",
    b'{"query": " \\u0000\\u200b "}': "empty_query",
    b'{"query": "' + b"long " * 180_000 + b'"}': "query_too_long",
    b'{"query": "red", "timestamp": []}': "invalid_field",
    None: "null_value",
}
GOOD = [
    b'{"query": "red shoes"}',
    b'{"query": "Red  Shoes", "query_id": 7, "unknown": {"n": 1.10}}',
    '{"query": "CAFÉ crème 👟", "locale": "fr-FR"}'.encode(),
    b'\xef\xbb\xbf{"query": "red shoes", "timestamp": "1769853600"}',
    b'{"query": "red\\u0000shoes", "query": "where is my order"}',
    b'{"query": "' + b"word " * 150 + b'", "intent": "mine", "status": 5}',
    b'{"query": "x", "padding": "' + b"p" * 900_000 + b'"}',
    b'{"query": "???", "query_id": null, "timestamp": "2026-01-01T00:00:00Z"}',
]


def records():
    """Good and bad ones in turn, over all partitions, each with a key of its own."""
    values = [*GOOD, *BAD] * 2
    return [
        Record(value, key=f"k{index}".encode(), headers=HEADERS, partition=index % 4)
        for index, value in enumerate(values)
    ]


@pytest.fixture(scope="module")
def outcome(broker):
    topics, sent = broker.topics(), records()
    produce(broker.bootstrap_servers, topics.input, sent)
    with running(settings(broker.bootstrap_servers, topics)) as app:
        wait_until(done(app, len(sent)), "all records confirmed")
    found = read(broker.bootstrap_servers, [topics.output, topics.dead_letters], len(sent))
    return topics, sent, found


def test_each_record_comes_out_exactly_once(outcome):
    topics, sent, found = outcome
    assert sorted(m.key() for m in found) == sorted(record.key for record in sent)
    for message in found:
        bad = sent[int(message.key()[1:])].value in BAD
        assert message.topic() == (topics.dead_letters if bad else topics.output)


def test_dead_letters_are_the_record_itself_with_the_reason(outcome):
    topics, sent, found = outcome
    letters = [m for m in found if m.topic() == topics.dead_letters]
    assert len(letters) == 2 * len(BAD)
    for letter in letters:
        record = sent[int(letter.key()[1:])]
        assert letter.value() == record.value
        assert tuple(letter.headers()[: len(HEADERS)]) == HEADERS
        told = dict(letter.headers()[len(HEADERS) :])
        assert told["x-error-type"].decode() == BAD[record.value]
        assert told["x-error-stage"] == b"decode"
        assert told["x-error-message"]
        assert told["x-source-topic"].decode() == topics.input
        assert told["x-source-partition"].decode() == str(record.partition)
        assert told["x-source-offset"].isdigit()
        assert told["x-attempts"] == b"1"


def test_outputs_hold_the_schema_and_pass_through_what_they_do_not_know(outcome):
    topics, sent, found = outcome
    valid = schema("output")
    outputs = [m for m in found if m.topic() == topics.output]
    assert len(outputs) == 2 * len(GOOD)
    for message in outputs:
        record = sent[int(message.key()[1:])]
        event = json.loads(message.value())
        valid.validate(event)
        assert tuple(message.headers()) == HEADERS
        for name, value in json.loads(record.value).items():
            if name not in ("intent", "status", "query_id"):
                assert event[name] == value
    ids = {json.loads(m.value())["query_id"] for m in outputs}
    assert 7 in ids and any(str(i).startswith(f"{topics.input}-") for i in ids)


def test_order_within_a_partition_is_kept(broker):
    """New queries take the models' time; one that is cached would overtake them."""
    topics = broker.topics()
    queries = [f"query {n}" if n // 2 % 2 else "red shoes" for n in range(400)]
    records = [  # with one key, so that they come out in one partition
        Record(json.dumps({"query": query, "n": n}).encode(), b"key", partition=1)
        for n, query in enumerate(queries)
    ]
    produce(broker.bootstrap_servers, topics.input, records)
    chosen = settings(broker.bootstrap_servers, topics, "batching.max_records=2")
    with running(chosen) as app:
        wait_until(done(app, len(records)), "all records confirmed")
    found = read(broker.bootstrap_servers, [topics.output], len(records))
    assert len({message.partition() for message in found}) == 1
    order = [json.loads(m.value())["n"] for m in sorted(found, key=Message.offset)]
    assert order == list(range(len(records)))


def test_a_fresh_worker_starts_where_the_last_one_ended(broker):
    topics = broker.topics()
    chosen = settings(broker.bootstrap_servers, topics)
    values = [b'{"query": "red shoes %d"}' % number for number in range(300)]
    produce(broker.bootstrap_servers, topics.input, [Record(v) for v in values[:200]])
    with running(chosen) as app:
        wait_until(done(app, 200), "the first 200")
    produce(broker.bootstrap_servers, topics.input, [Record(v) for v in values[200:]])
    with running(chosen) as app:
        wait_until(done(app, 100), "the other 100")
    assert app.runner.totals.consumed == 100
    found = read(broker.bootstrap_servers, [topics.output], 300)
    assert sorted(json.loads(m.value())["query"] for m in found) == sorted(
        json.loads(value)["query"] for value in values
    )
