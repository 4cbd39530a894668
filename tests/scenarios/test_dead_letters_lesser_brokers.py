"""Dead letters of a broker without a time index are listed by time all the same; one that has no
transactions is reported, and nothing is sent."""

import pytest

from tests import program
from tests.librdkafka import refuse
from tests.stream import Record, Topics, ends, produce, settings
from worker.commands.dead_letters import replay_producer
from worker.commands.dead_letters.reader import Reader
from worker.embedded.kafka import EmbeddedKafka
from worker.errors import Stop

INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN, END_TXN = 22, 24, 26
LETTERS = [Record(b"value", b"%d" % n, (("x-error-type", b"invalid_json"),), n) for n in range(3)]


@pytest.fixture
def lesser():
    """The embedded broker, of which a test may take some more away, and settings for it."""
    with EmbeddedKafka.running() as kafka:
        topics = Topics.fresh()
        kafka.create(topics.input, topics.dead_letters)
        produce(kafka.bootstrap_servers, topics.dead_letters, LETTERS)
        yield kafka, settings(kafka.bootstrap_servers, topics)


def output(chosen, *arguments):
    done = program.run("dead-letters", *arguments, *program.assignments(chosen))
    return done.returncode, done.stdout + done.stderr


def test_they_are_listed_by_time_and_replayed_once(lesser):
    _, chosen = lesser
    for since, count in ("1h", 3), ("2099-01-01T00:00:00Z", 0):
        code, text = output(chosen, "list", "--since", since)
        assert (code, f"{count} dead letters in" in text) == (0, True), text
    for count in 3, 0:
        code, text = output(chosen, "replay", "--yes", "--foreign", "--since", "1h")
        assert (code, f"{count} dead letters sent to" in text) == (0, True), text


@pytest.mark.parametrize("request_", [INIT_PRODUCER_ID, END_TXN])
def test_a_broker_without_transactions_is_reported(lesser, request_):
    kafka, chosen = lesser
    refuse(kafka._client, request_)
    code, text = output(chosen, "replay", "--yes", "--foreign")
    assert code == 1 and "this broker has no transactions" in text
    assert "use Kafka 0.11 or newer, or read the records with `dead-letters show`" in text


def test_a_broker_that_has_half_of_them_is_reported_after_a_while(lesser, monkeypatch):
    monkeypatch.setattr(replay_producer, "TRANSACTION_MS", 2000)
    kafka, chosen = lesser
    refuse(kafka._client, ADD_PARTITIONS_TO_TXN)
    reader = Reader(chosen.kafka)
    pairs = list(reader.letters(reader.ranges()))
    reader.close()
    with pytest.raises(Stop, match="accepted nothing for 2 s; .* it has no transactions, without"):
        replay_producer.ReplayProducer(chosen.kafka, [0, 1, 2, 3]).send(pairs)
    assert not any(ends(kafka.bootstrap_servers, chosen.kafka.input_topic).values())
