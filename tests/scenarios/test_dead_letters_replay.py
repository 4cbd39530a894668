"""Dead letters are listed, shown and sent through again: byte for byte, and none twice."""

import json
from collections import Counter

import pytest

from tests import program
from tests.stream import Record, done, produce, read, running, settings, wait_until

SHORT = "understanding.max_query_chars=20"
LONG = b'{"query": "%s", "n": %d}'
OWN = (("trace", b"\x00\xff"), ("trace", b"2"), ("empty", None))
EVIL = b'{"query": \x1b[2J\xe2\x80\xae\n"red"}'
FORGED = ("x-replayed", b""), ("x-replayed", b"[[0,99]]")
FOREIGN = Record(b"[[0, 99]]", b"stranger", (("who", b"me"),), 1)


def command(chosen, *arguments, code=0):
    done = program.run("dead-letters", *arguments, *program.assignments(chosen))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def listed(chosen, *filters):
    return [json.loads(line) for line in command(chosen, "list", "--json", *filters).splitlines()]


def work(broker, chosen, count):
    with running(chosen) as app:
        wait_until(done(app, count), "all records")


@pytest.fixture(scope="module")
def story(real_broker):
    """Ten long queries, a broken record and a null are rejected; a stranger writes there too."""
    topics, address = real_broker.topics(), real_broker.bootstrap_servers
    records = [Record(LONG % (b"x" * 30, n), b"k%d" % n, OWN, n % 2) for n in range(10)]
    records += [Record(EVIL, b"evil", FORGED, 3), Record(b"[[0,99]]", b"forged", FORGED, 3)]
    records += [Record(None, b"null", (), 2)]
    produce(address, topics.input, records)
    chosen = settings(address, topics, SHORT)
    work(real_broker, chosen, len(records))
    produce(address, topics.dead_letters, [FOREIGN])
    return real_broker, topics, chosen, records


def inputs(broker, topics, count):
    found = read(broker.bootstrap_servers, [topics.input], count)
    assert len(found) == count
    return found


def test_dead_letters_from_list_to_replay(story):
    broker, topics, chosen, records = story
    rows = listed(chosen)
    assert Counter(row["reason"] for row in rows) == {
        **{"query_too_long": 10, "invalid_json": 1, "not_an_object": 1, "null_value": 1},
        "foreign": 1,
    }
    assert not any(row["replayed"] for row in rows)
    assert listed(chosen, "--reason", "null_value", "--partition", "2", "--since", "1h")
    assert not listed(chosen, "--until", "1h")
    assert not listed(chosen, "--since", "2099-01-01T00:00:00Z")
    assert [row["foreign"] for row in listed(chosen, "--limit", "1")] == [True]  # the newest
    table = command(chosen, "list")
    assert "14 dead letters" in table and "10 query_too_long" in table
    assert "xxxxx" not in table and "\x1b" not in table

    shown = command(chosen, "show", f"{topics.input}-3-0")
    assert '  | {"query": \\x1b[2J\\u202e\n  | "red"}' in shown and "\x1b" not in shown
    assert "reason       invalid_json" in shown and "change its producer" in shown
    whole = next(row["letter"] for row in rows if row["reason"] == "not_an_object")
    item = json.loads(command(chosen, "show", "--json", whole))
    assert item["letter"] == whole and item["value"]

    text = command(chosen, "replay", "--dry-run", "--reason", "query_too_long")
    assert "10 dead letters would be sent" in text
    inputs(broker, topics, len(records))  # and nothing was

    outcome = json.loads(command(chosen, "replay", "--yes", "--json", "--reason", "query_too_long"))
    assert (outcome["replayed"], outcome["refused"]) == (10, [])
    sent = [m for m in inputs(broker, topics, len(records) + 10) if m.offset() >= 5]
    by_key = {m.key(): m for m in sent if m.key().startswith(b"k")}
    places = {row["source"]: row["letter"] for row in rows}
    for number, record in enumerate(records[:10]):
        back = by_key[record.key]
        assert (back.value(), back.partition()) == (record.value, record.partition)
        letter = places[f"{topics.input}-{number % 2}-{number // 2}"]
        added = [("x-attempts", b"1"), ("x-replayed-from", letter.encode())]
        assert back.headers() == [*OWN, *added]

    assert json.loads(command(chosen, "replay", "--yes", "--json"))["replayed"] == 3
    assert "0 dead letters sent" in command(chosen, "replay", "--yes")
    assert [row["reason"] for row in listed(chosen) if not row["replayed"]] == ["foreign"]

    work(broker, chosen, 13)  # all are rejected once more, and can be replayed once more
    again = [row for row in listed(chosen) if row["attempts"] == 2]
    assert len(again) == 13 and not any(row["replayed"] for row in again)
    text = command(chosen, "replay", "--yes", "--max-attempts", "2")
    assert "0 dead letters sent" in text and "13 left out: rejected 2 times" in text
    assert "13 dead letters sent" in command(chosen, "replay", "--yes")

    count = len(records) + 26
    inputs(broker, topics, count)
    assert "1 dead letter sent" in command(chosen, "replay", "--yes", "--foreign")
    stranger = next(m for m in inputs(broker, topics, count + 1) if m.key() == b"stranger")
    assert stranger.value() == FOREIGN.value
    assert [name for name, _ in stranger.headers()] == ["who", "x-replayed-from"]
    text = command(chosen, "replay", "--yes", "--again", "--reason", "null_value", "--limit", "1")
    assert "1 dead letter sent" in text
    assert len(inputs(broker, topics, count + 2)) == count + 2


def test_without_a_terminal_it_does_not_ask(story):
    _, _, chosen, _ = story
    command(chosen, "replay", code=2)
