"""Where a partition goes on: its last commit, and the notes beside it."""

import queue

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from tests.source import Full, parts, record
from worker.config.load import load_settings
from worker.stream import consumer as source_module
from worker.stream.rejection_limits import NOTE


class Rebalanced(Full):
    """While a round fills, partition 0 is revoked and what is in flight of it is not finished."""

    def __init__(self, records):
        super().__init__(records)
        self.source, self.commits = None, []

    def consume(self, count, timeout_s):
        if len(self.left) == 1:
            self.source._on_revoke(self, [TopicPartition("queries", 0)])
        return super().consume(count, timeout_s)

    def incremental_unassign(self, _):
        """It is forgotten already."""

    def commit(self, offsets, **_):
        self.commits += [(item.partition, item.offset) for item in offsets]


def test_nothing_is_committed_for_a_partition_that_goes_while_a_round_fills(monkeypatch):
    """A note of where its records begin would lose what was still in flight before them."""
    monkeypatch.setattr(source_module, "REVOKE_WAIT_S", 0.0)
    handed = []
    source, tracker, _ = parts(load_settings(None, {}, []), handed.append)
    tracker.track(0, 0, 3, 3, 30)  # the models have not answered yet
    consumer = source._consumer = Rebalanced([record(3, 10), record(4, 10)])
    consumer.source = source
    source._turn()
    assert (consumer.commits, handed) == ([], [])


def test_no_note_is_wiped_beside_a_commit_that_is_under_way(monkeypatch):
    """Where it is a transaction's, the older offset would stand above the one in it."""
    source, tracker, delivery = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Rebalanced([])
    for settled in (False, True):
        monkeypatch.setattr(delivery, "settle", lambda *_, settled=settled: settled)
        source._suspects.admit(consumer, 0, [record(5, 10)])
        consumer.commits.clear()
        source._settle(())
        assert consumer.commits == [(0, 5)] * settled


class Refused:
    """What the client tells of a partition that it may not know of; no test can make its own."""

    metadata, offset = None, OFFSET_INVALID

    def __init__(self, place, error):
        self.partition, self.error = place.partition, error


class Committed(Rebalanced):
    sought: tuple = ()

    def committed(self, places, timeout):
        return [TopicPartition(p.topic, p.partition, 5) for p in places]

    def seek(self, place):
        self.sought += ((place.partition, place.offset),)


def test_records_that_are_held_before_a_rewind_are_fetched_again():
    source, tracker, _ = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Committed([])
    source._suspects.learn(0, "query-worker starts=3")
    assert not source._suspects.admit(consumer, 0, [record(5, 10)])
    tracker.rewind()
    source._go_back(tracker.astray())
    assert (consumer.sought, source._suspects.holding) == (((0, 5),), set())


def test_a_commit_that_may_not_be_known_is_asked_for_again():
    """A right that is missing is told beside the partition, with an offset as if it had none."""

    class Hidden(Committed):
        error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)

        def committed(self, places, timeout):
            return [Refused(place, self.error) for place in places]

    source, tracker, _ = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Hidden([])
    source._suspects.learn(0, None)
    tracker.track(0, 3, 4, 1, 10)
    tracker.rewind()
    source._go_back(tracker.astray())
    assert (consumer.sought, set(tracker.astray())) == ((), {0, 1})


def test_a_partition_whose_commit_is_not_told_holds_up_no_other():
    """Its last owner was killed amid a transaction: asking takes a second, for many seconds."""

    class Unstable(Committed):
        asked = 0

        def committed(self, places, timeout):
            self.asked += 1
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    handed = []
    source, tracker, _ = parts(load_settings(None, {}, ["batching.max_records=1"]), handed.append)
    consumer = source._consumer = Unstable([record(n, 10) for n in range(100)])
    tracker.assign([1], astray=True)
    for turn in range(30):
        source.turned_at = turn / 10  # three seconds
        source._turn()
    assert (consumer.asked, len(handed) > 10) == (1, True)
    tracker.rewind()
    source.turned_at = 10.0
    source._turn()
    source._turn()  # now that none can go on, there is nothing better to do
    assert consumer.asked == 3


@pytest.mark.parametrize("deaths", [0, 3])
def test_what_came_while_all_was_to_go_back_comes_again(deaths):
    """The first records of a partition; after some deaths they are held, and not yet tracked."""

    class Rewound(Full):
        sought = None

        def consume(self, count, timeout_s):
            if taken := super().consume(count, timeout_s):
                tracker.rewind()
            return taken

        def committed(self, places, timeout):
            for place in places:
                place.offset = 0
            return places

        def seek(self, place):
            self.sought = place

    source, tracker, _ = parts(load_settings(None, {}, []), lambda _: None)
    source._consumer = Rewound([record(0, 10)])
    source._suspects.learn(0, f"query-worker starts={deaths}")
    source._turn()
    source._turn()
    assert (source._consumer.sought.partition, source._consumer.sought.offset) == (0, 0)
    assert not source._suspects.holding and not tracker.astray()


@pytest.mark.parametrize("settled", [True, False])
def test_a_note_is_wiped_only_when_no_commit_is_under_way(settled, monkeypatch):
    """It is a commit of an earlier offset, which would stand if it came between."""

    class Noted(Full):
        notes = ()

        def commit(self, offsets, **_):
            self.notes += tuple(place.metadata for place in offsets)

    source, _, delivery = parts(load_settings(None, {}, []), lambda _: None)
    monkeypatch.setattr(delivery, "settle", lambda partitions, timeout_s: settled)
    source._consumer = Noted([record(0, 10)])
    source._turn()
    assert source._consumer.notes == ("query-worker starts=1",)
    source._settle(())
    assert source._consumer.notes[1:] == (("",) if settled else ())


def test_a_partition_that_went_while_it_was_fetched_takes_no_note():
    class Losing(Full):
        def consume(self, count, timeout_s):
            source._on_lost(self, [TopicPartition("queries", 0)])
            return super().consume(count, timeout_s)

        def incremental_unassign(self, _):
            """There is no broker."""

        def commit(self, offsets, **_):
            assert [place.partition for place in offsets] == [1]

    batches = queue.SimpleQueue()
    source, _, _ = parts(load_settings(None, {}, []), batches.put)
    source._consumer = Losing([record(0, 10), record(0, 10, partition=1)])
    source._turn()
    assert batches.get_nowait().ticket.partition == 1 and batches.empty()


def test_what_dead_letter_limits_counted_goes_to_who_comes_next():
    class Noted(Full):
        notes = ()

        def committed(self, places, **_):
            notes = "", f"{NOTE}before"
            return [TopicPartition("queries", n, 7, metadata=notes[n]) for n in range(len(places))]

        def commit(self, offsets, **_):
            self.notes += tuple((item.partition, item.offset, item.metadata) for item in offsets)

    learned = []
    source, tracker, delivery = parts(load_settings(None, {}, []), pytest.fail, learned.append)
    consumer = source._consumer = Noted([])
    delivery.bind(consumer, source._reach.on_commit)
    tracker.assign([0, 1], astray=True)
    source._turn()
    assert (learned, consumer.notes) == ([f"{NOTE}before"], ((1, 7, ""),))

    source._left = f"{NOTE}after"  # it stops before any record came
    source._settle(())
    source._settle(())  # when the partitions are revoked
    assert consumer.notes[1:] == ((1, 7, f"{NOTE}after"),)


class Assigned(Full):
    """It tells the last commits, or does not; `paused` is what it was told to pause."""

    def __init__(self, known):
        super().__init__([])
        self.known, self.paused = known, set()

    def committed(self, places, timeout):
        if not self.known:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [TopicPartition(p.topic, p.partition, 5) for p in places]

    def pause(self, places):
        self.paused |= {place.partition for place in places}

    def resume(self, places):
        self.paused -= {place.partition for place in places}

    def incremental_assign(self, _):
        """What it fetches is another test's."""

    incremental_unassign = incremental_assign


def test_a_partition_whose_last_commit_is_told_at_once_is_never_paused():
    """With nothing else to fetch, librdkafka would take a second to go on."""
    source, tracker, _ = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Assigned(known=True)
    source._on_assign(consumer, [TopicPartition("queries", 2)])
    assert (consumer.paused, tracker.astray()) == (set(), {})


def test_until_its_last_commit_is_told_a_partition_is_paused():
    source, tracker, _ = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Assigned(known=False)
    source._on_assign(consumer, [TopicPartition("queries", 2)])
    assert (consumer.paused, tracker.astray()) == ({2}, {2: None})
    consumer.known, source.turned_at = True, source.turned_at + 10
    source._turn()
    assert (consumer.paused, tracker.astray()) == (set(), {})


def test_a_pause_ends_where_the_partition_goes():
    """librdkafka keeps it for the next time that the partition comes."""
    source, _, _ = parts(load_settings(None, {}, []), lambda _: None)
    consumer = source._consumer = Assigned(known=False)
    source._on_assign(consumer, [TopicPartition("queries", 2)])
    source._on_lost(consumer, [TopicPartition("queries", 2)])
    assert consumer.paused == set()
