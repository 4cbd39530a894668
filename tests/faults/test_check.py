"""The check of single records finds what a worker might do to them."""

from __future__ import annotations

import pytest

from tests.faults.check import Checker, Reference, reason
from tests.faults.inputs import SHARES, Inputs
from tests.understanding import enrichment_body
from worker.event import Enrichment, Input, decode

PLACE = "queries-3-17"
VERSIONS = {"worker": "1", "intent": "intent:3", "encoder": "encoder:3", "matching": None}


class Came:
    """A record as a consumer gives it."""

    def __init__(self, value, key, headers):
        self._value, self._key, self._headers = value, key, headers

    def value(self):
        return self._value

    def key(self):
        return self._key

    def headers(self):
        return self._headers


def body(query, lexicon="9f3c", confidence=0.93):
    """The enrichment of a query, as the worker holds it."""
    return enrichment_body(
        query,
        intent={"label": "browse", "confidence": confidence, "scores": {"browse": confidence}},
        provenance={**VERSIONS, "lexicon": lexicon},
    )


def sample(kind):
    """An input of a kind."""
    return Inputs(1, 8, {kind: 1})[12]


def output(sent, enrichment=None):
    event = decode(Input(sent.record.value, PLACE, 1_790_000_000_000), 1000)
    made = Enrichment(enrichment or body(sent.query), "browse")
    value = made.splice(event, True, 1_790_000_000_001)
    return Came(value, sent.record.key, list(sent.record.headers))


def checker(*queries):
    reference = Reference()
    for query in queries:
        reference.put(query, body(query))
        reference.put(query, body(query, "77aa", 0.71))  # of another lexicon
    return Checker(reference)


@pytest.mark.parametrize("kind", ["warm", "cold", "taken", "padded"])
def test_what_the_worker_makes_is_right(kind):
    sent = sample(kind)
    check = checker(sent.query)
    assert check.output(sent, output(sent), PLACE) is None
    assert check.output(sent, output(sent, body(sent.query, "77aa", 0.71)), PLACE) is None
    assert check.output(sent, output(sent, body(sent.query, confidence=0.9301)), PLACE) is None


def changed(old, new):
    def change(sent, came):
        assert old in came._value, came._value
        came._value = came._value.replace(old, new, 1)

    return change


def other_key(sent, came):
    came._key = b"other"


def lost_header(sent, came):
    came._headers = came._headers[:-1]


def another_header(sent, came):
    came._headers = [*came._headers, ("own", b"")]


def another_query(sent, came):
    came._value = output(sent, body("another query"))._value


PLANTED = {
    "a byte of the input": changed(b'"price": 1.5', b'"price":1.50'),
    "a field is gone": changed(b'"n": 12, ', b""),
    "another place": changed(PLACE.encode(), b"queries-3-18"),
    "a field more": changed(b'"query_id"', b'"extra":1,"query_id"'),
    "the score": changed(b'"confidence":0.93', b'"confidence":0.94'),
    "the end is cut": changed(b',"processed_at":1790000000001}', b""),
    "bytes behind it": changed(b":1790000000001}", b":1790000000001} "),
    "the enrichment of another query": another_query,
    "the key": other_key,
    "a header is gone": lost_header,
    "a header more": another_header,
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_corrupted_output_is_found(plant):
    sent = sample("cold")
    came = output(sent)
    plant(sent, came)
    fault = checker(sent.query, "another query").output(sent, came, PLACE)
    assert fault and not fault.startswith("mixed")


def test_an_enrichment_that_breaks_the_schema_is_found():
    sent, reference = sample("cold"), Reference()
    bad = body(sent.query).replace(b'"language":"en"', b'"language":"EN"')
    reference.put(sent.query, bad)
    fault = Checker(reference).output(sent, output(sent, bad), PLACE)
    assert fault.startswith("does not hold the schema")


@pytest.mark.parametrize(
    "mixed",
    [
        lambda query: body(query, "0000"),  # never served
        lambda query: body(query, "9f3c", 0.71),  # the content of the other lexicon
    ],
)
def test_mixed_versions_are_found(mixed):
    sent = sample("cold")
    fault = checker(sent.query).output(sent, output(sent, mixed(sent.query)), PLACE)
    assert fault.startswith("mixed versions")


def letter(sent, place=PLACE, **changes):
    topic, partition, offset = place.split("-")
    told = {"type": sent.reason, "message": "told"}
    source = {"topic": topic, "partition": partition, "offset": offset}
    headers = [
        *sent.record.headers,
        *((f"x-error-{name}", value.encode()) for name, value in told.items()),
        *((f"x-source-{name}", value.encode()) for name, value in source.items()),
    ]
    fields = {"value": sent.record.value, "key": sent.record.key, "headers": headers}
    return Came(**fields | changes)


@pytest.mark.parametrize("kind", ["not_json", "not_utf8", "tombstone", "deep"])
def test_a_dead_letter_is_its_input_and_says_where_it_came_from(kind):
    sent, check = sample(kind), checker()
    assert reason(letter(sent)) == sent.reason
    assert check.dead_letter(sent, letter(sent), PLACE) is None
    assert check.dead_letter(sent, letter(sent, value=b"other"), PLACE)
    assert check.dead_letter(sent, letter(sent, key=b"other"), PLACE)
    assert check.dead_letter(sent, letter(sent, "queries-3-18"), PLACE)


def test_inputs_are_always_the_same_and_of_every_kind():
    inputs, again = Inputs(7, 8), Inputs(7, 8)
    some = [inputs[number] for number in range(5000)]
    assert some == [again[number] for number in range(5000)]
    assert {sent.kind for sent in some} == set(SHARES)
    assert [sent.record.partition for sent in some] == [inputs.partition(n) for n in range(5000)]
    assert len({sent.record.partition for sent in some}) == 8
    partitions = {(sent.record.key, sent.record.partition) for sent in some if sent.record.key}
    assert len(partitions) == len({key for key, _ in partitions}), "a key, a partition"
