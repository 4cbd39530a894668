"""The fast lane answers as the careful way does, byte for byte, or leaves a value to it."""

import pytest

from tests.fuzz.inputs import values
from worker.errors import Reject
from worker.event import Enrichment, Input, decode
from worker.input_checks import too_many_marks
from worker.understanding.cache import SeenQueries
from worker.understanding.fast_lane import FastLane

ENRICHMENT = Enrichment(b'"schema_version":"1.1","provenance":{"cached":', "browse")
MAX_BYTES, MAX_CHARS = 65_536, 1000
PLAIN = b'{"query":"red shoes","query_id":"q-1","timestamp":1790000000000,"locale":"en-US"}'


class AllSeen:
    """Every query that can have an enrichment was seen before."""

    @property
    def young(self):
        return self

    def __getitem__(self, locale):
        return self

    def get(self, key):
        query = key if isinstance(key, str) else key[0]
        return None if len(query) > MAX_CHARS or too_many_marks(query) else ENRICHMENT


def default(position):
    return f"queries-3-{position}", 1700000000000 + position


def careful(value, position=0):
    """The output of the careful way, None if it refuses the value."""
    try:
        event = decode(Input(value, *default(position)), MAX_CHARS, MAX_BYTES)
    except Reject:
        return None
    return ENRICHMENT.splice(event, True, 5)


def fast(found, seen=None):
    answers = FastLane(seen or AllSeen(), MAX_BYTES).answers(found, default, 5)
    outputs = [answers.output(position) for position in range(len(found))]
    ready = answers.known_prefix(MAX_BYTES)
    assert [*answers.outputs(ready)] == outputs[:ready] and outputs[ready : ready + 1] in (
        [],
        [None],
    )
    return outputs


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_it_answers_is_what_the_careful_way_answers(seed):
    found = list(values(8000, seed))
    answered = 0
    for position, (value, output) in enumerate(zip(found, fast(found), strict=True)):
        if output is not None:
            answered += 1
            assert output == careful(value, position), value
        if (alone := fast([value])[0]) is not None:
            assert alone == careful(value), value
    assert answered > 400


@pytest.mark.parametrize(
    "value",
    [
        PLAIN,
        b'{"query":"red shoes"}',
        b'{"query":"red shoes","timestamp":"2026-01-31t10:00:00+0200"}',
        b'{"query":"red shoes","ab_test":"b","price":1.5}',
        '{"query":"rote Schühe","extra":"ü"}'.encode(),
        b'{"query":"red shoes","user_id":null}',
    ],
)
def test_what_is_plain_is_answered(value):
    assert fast([value]) == [careful(value)] != [None]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b'{"query":"red shoes"} ',
        b'{"query":"red shoes","query_id":null}',
        b'{"query":"red shoes","status":1}',
        b'{"query":"red shoes","x":"\\ud800"}',
        b'{"query":"red shoes","x":1e400}',
        b'{"query":"red shoes","x":"\xff"}',
        b'{"query":"red shoes","x":' + b"[" * 65 + b"]" * 65 + b"}",
        b'{"query":"red shoes","timestamp":"yesterday"}',
        b'{"query":"red shoes","query_id":' + b"9" * 310 + b"}",
        b'{"query":5}',
        b'{"query":"' + b"a" * MAX_BYTES + b'"}',
    ],
)
def test_what_is_odd_is_left_to_the_careful_way(value):
    assert fast([value]) == [None]


def test_one_odd_value_does_not_change_the_others():
    assert fast([PLAIN, b"odd", PLAIN]) == [careful(PLAIN), None, careful(PLAIN)]


def test_a_query_that_was_not_seen_is_left_to_the_careful_way():
    seen = SeenQueries(10_000)
    seen.put(("red shoes", "en-US"), ENRICHMENT)
    other = PLAIN.replace(b"en-US", b"de-DE")
    assert fast([PLAIN, other], seen) == [careful(PLAIN), None]


def test_what_is_ready_ends_where_an_output_is_larger_than_the_limit():
    answers = FastLane(AllSeen(), MAX_BYTES).answers([PLAIN, PLAIN[:-1] + b" }"], default, 5)
    limit = len(careful(PLAIN))
    assert [
        answers.known_prefix(limit - 1),
        answers.known_prefix(limit),
        answers.known_prefix(limit + 1),
    ] == [0, 1, 2]


def test_what_is_used_stays_when_others_make_room():
    seen = SeenQueries(20_000)
    seen.put(("kept", None), ENRICHMENT)
    for number in range(100):
        seen.put((f"other {number}", None), ENRICHMENT)
        assert seen.get(("kept", None)) is ENRICHMENT
    kept = [*seen.young.values(), *seen._old.values()]
    assert seen.get(("other 0", None)) is None and sum(map(len, kept)) < 40


def test_without_memory_nothing_is_kept():
    seen = SeenQueries(0)
    seen.put(("red", None), ENRICHMENT)
    assert seen.get(("red", None)) is None
