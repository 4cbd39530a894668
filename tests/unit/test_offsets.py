"""Only what was produced, and all before it, may be committed; and never of a revoked partition."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.clients import record
from tests.stream_parts import SEEN, clients, parts
from worker.errors import Reject
from worker.stream.batch import Batch
from worker.stream.offsets import InFlight, Offsets
from worker.understanding.pipeline import Output, Skipped

RESULTS = (
    Output(b"understood", SEEN),
    Reject("decode", "invalid_json", "planned"),
    Skipped(),
)
small = st.integers(0, 1)
LONG_ENOUGH = 120  # turns for what a history holds, with room for one record


class Orders(RuleBasedStateMachine):
    """Batches are answered, produced, committed, rewound and revoked in any order."""

    @initialize(room=st.integers(1, 5))
    def begins(self, room):
        self._swaps = clients()
        self._swaps.__enter__()
        self.parts = parts("dead_letters.max_share=1")
        self.offsets = self.parts.offsets
        self.parts.client.room = room
        self.fetched = Counter()  # partition → offset of the next record
        self.committed = Counter()
        self.began = Counter()  # partition → where its outputs since the last rewind begin
        self.log = {0: [], 1: []}

    @rule(number=small, kinds=st.lists(st.sampled_from(["seen", "new"]), min_size=1, max_size=4),
          gap=small, ready=st.booleans())  # fmt: skip
    def fetched_some(self, number, kinds, gap, ready):
        if self.offsets.get(number) is None:
            return
        first = self.fetched[number] + gap  # offsets may have gaps: compaction, transactions
        records = [record(first + n, kind, number) for n, kind in enumerate(kinds)]
        self.log[number] += [one.offset() for one in records]
        self.fetched[number] = first + len(kinds)
        self.parts.take(*records, may_produce=ready)

    @precondition(lambda self: self.parts.submitted)
    @rule(which=st.integers(0, 9), result=st.sampled_from(RESULTS))
    def answered_one(self, which, result):
        waiting = self.parts.submitted
        self.parts.answer(waiting.pop(which % len(waiting)), result)

    @rule()
    def produced(self):
        self.parts.lanes.produce_pending()

    @rule(count=st.integers(1, 5))
    def confirmed(self, count):
        self.parts.client.confirm(count)

    @rule()
    def committed_all(self):
        for number, offset in self.offsets.committable().items():
            self.offsets.committed(number, offset)
            self.committed[number] = offset

    @rule()
    def rewound(self):
        self.offsets.rewind()
        for number in self.offsets.needing_seek():
            self._go_back(number)
            self.offsets[number].needs_seek = False

    @rule(number=small)
    def revoked_and_assigned(self, number):
        self.offsets.revoke([number])
        assert self.offsets.get(number) is None
        self._go_back(number)
        self.offsets.assign([number])
        self.offsets[number].needs_seek = False

    def _go_back(self, number):
        self.fetched[number] = self.committed[number]
        self.began[number] = len(self.parts.client.sent)
        self.log[number] = [o for o in self.log[number] if o < self.committed[number]]

    @invariant()
    def what_is_committable_is_the_produced_prefix(self):
        if not hasattr(self, "parts"):
            return
        for number, offset in self.offsets.committable().items():
            due = [o for o in self.log[number] if self.committed[number] <= o < offset]
            pending = [
                one.offset()
                for batch in self.offsets[number].pending
                for one in batch.records[batch.next :]
            ]
            assert not set(due) & set(pending), "passes a record that waits"
            assert sorted(due + pending) == [
                o for o in self.log[number] if o >= self.committed[number]
            ], "a record is nowhere"

    @invariant()
    def outputs_come_in_offset_order(self):
        if hasattr(self, "parts"):
            for number in (0, 1):
                found = [o for n, o in self.parts.places()[self.began[number] :] if n == number]
                assert found == sorted(found)

    def teardown(self):
        if not hasattr(self, "parts"):
            return
        try:
            while self.parts.submitted:
                self.parts.answer(self.parts.submitted.pop(), RESULTS[0])
            for _ in range(LONG_ENOUGH):
                self.parts.client.confirm()
                self.parts.lanes.produce_pending()
            assert not self.offsets.pending(self.offsets.owned())
            assert self.offsets.in_flight == InFlight()
            self.what_is_committable_is_the_produced_prefix()
        finally:
            self._swaps.__exit__(None, None, None)


TestWhateverOrderBatchesFinishIn = Orders.TestCase
TestWhateverOrderBatchesFinishIn.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, derandomize=True
)


def owned(*numbers):
    offsets = Offsets()
    offsets.assign(numbers)
    return offsets


def batch(number, size=10, misses=1):
    return Batch(number, [record(0, partition=number)], [None], misses, size, 0.0)


def test_what_was_committed_is_not_committed_again():
    offsets = owned(3)
    offsets[3].produced = 10
    assert offsets.committable() == {3: 10}
    offsets.committed(3, 10)
    assert offsets.committable() == {}
    assert offsets[3].all_committed is False  # it still needs its seek
    offsets[3].needs_seek = False
    assert offsets[3].all_committed


def test_offsets_that_go_back_are_committable_again():
    """The topic was made anew under the same name: its offsets begin at 0 once more."""
    offsets = owned(3)
    offsets[3].produced = 10
    offsets.committed(3, 10)
    offsets[3].produced = 4
    assert offsets.committable() == {3: 4}


def test_the_answer_to_a_commit_of_a_partition_that_went_moves_nothing():
    offsets = owned(0)
    offsets.revoke([0])
    offsets.committed(0, 5)
    assert offsets.owned() == [] and offsets.committable() == {}


def test_what_waits_for_models_is_counted_until_they_answer_although_it_is_stale():
    offsets, waiting, ready = owned(0, 1), batch(0), batch(1)
    ready.ready = True
    offsets.add(waiting)
    offsets.add(ready)
    offsets.rewind()
    assert waiting.stale and ready.stale
    assert offsets.in_flight == InFlight(batches=1, records=1, misses=1, size=10)
    offsets.remove(waiting)
    assert offsets.in_flight == InFlight()


def test_after_a_rewind_every_partition_needs_a_seek_and_nothing_is_committable():
    offsets = owned(0, 1)
    offsets[0].needs_seek = offsets[1].needs_seek = False
    offsets[0].produced, offsets[0].began_at = 5, 3
    offsets.rewind()
    assert offsets.committable() == {} and offsets.needing_seek() == {0, 1}
    assert offsets[0].began_at == 3, "where to go back to while there is no commit"


def test_a_revoked_partition_leaves_orphans_only_if_it_was_produced_and_not_committed():
    offsets = owned(0, 1, 2)
    offsets[0].produced = offsets[1].produced = 7
    offsets.committed(0, 7)
    offsets.add(batch(2))
    assert offsets.revoke([0]) is False, "all of it is committed"
    assert offsets.revoke([2]) is False, "nothing of it is out"
    assert offsets.revoke([1]) is True
    assert offsets.revoke([1]) is False, "it is another's already"


def test_a_partition_that_comes_back_begins_anew():
    offsets = owned(0)
    offsets.add(late := batch(0))
    offsets[0].counted = 9
    offsets.revoke([0])
    offsets.assign([0])
    assert late.stale and not offsets.pending(offsets.owned())
    assert (offsets[0].counted, offsets[0].began_at, offsets[0].needs_seek) == (-1, None, True)


def test_pending_is_asked_of_some_partitions_or_of_all():
    offsets = owned(0, 1)
    offsets.add(batch(1))
    assert offsets.pending(offsets.owned()) and offsets.pending({1, 5})
    assert not offsets.pending({0}) and not offsets.pending(set())
