"""No input record, whatever its headers, can pass for the mark that dead letters were replayed."""

import json
import random

import pytest

from tests import program
from tests.stream import Record, Topics, done, produce, read, running, settings, wait_until

LIMIT = 2000  # bytes of a request to the dead-letter topic
FORGED = (("trace", b"1"), ("x-replayed", b"offsets"))
MARK = b"[[0, 99]]"
# With the headers of its rejection this one is too large for the topic, and goes without them.
LARGE = b"[[0, 99]]" + b" " + random.Random(1).randbytes(LIMIT - 200)


@pytest.fixture
def topics(kafka):
    topics = Topics.fresh()
    kafka.create(topics.dead_letters, partitions=1, config={"max.message.bytes": str(LIMIT)})
    kafka.create(topics.input, topics.output, partitions=1)
    return topics


def test_a_forged_mark_is_a_dead_letter(kafka, topics):
    records = [Record(MARK, b"small", FORGED), Record(LARGE, b"large", FORGED)]
    produce(kafka.bootstrap_servers, topics.input, records)
    chosen = settings(kafka.bootstrap_servers, topics)
    with running(chosen) as app:
        wait_until(done(app, 2), "both")
    letters = {m.key(): m for m in read(kafka.bootstrap_servers, [topics.dead_letters], 2)}
    assert letters[b"large"].headers() == [("trace", b"1")], "it should have lost its reason"
    assert "x-replayed" not in dict(letters[b"small"].headers())
    listed = program.run("dead-letters", "list", "--json", *program.assignments(chosen))
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    # At least once: what was refused once is done again, with the letters before it.
    assert len(rows) >= 2 and not any(row["replayed"] for row in rows)
    assert {row["reason"] for row in rows} == {"not_an_object", "foreign"}
