"""Defects of the stream: commits, order, where a partition goes on, bounds."""

from __future__ import annotations

from tests.defects.defect import defect

THREAD, LANES = "worker/stream/kafka_thread.py", "worker/stream/lanes.py"
COMMITS, OFFSETS = "worker/stream/commits.py", "worker/stream/offsets.py"
PRODUCER, RUNNER = "worker/stream/producer.py", "worker/stream/runner.py"
DELIVERY, EXACTLY_ONCE = (f"worker/stream/delivery/{name}.py" for name in ("base", "exactly_once"))
POSITIONS = "worker/stream/positions.py"
POISON, PRESSURE = "worker/stream/poison_pills.py", "worker/stream/backpressure.py"
FAST_LANE = "worker/understanding/fast_lane.py"

DEFECTS = (
    # What is committed, and when.
    defect(
        "offsets are committed without a flush",
        COMMITS,
        "self._flushing = not self._delivery.producer.flush(FLUSH_S)",
        "self._flushing = False",
        "test_commits.py",
    ),
    defect(
        "what Kafka refused in the flush is not looked at before the commit",
        COMMITS,
        "if self._flushing or self._delivery.failed:",
        "if self._flushing:",
        "test_commits.py",
    ),
    defect(
        "what Kafka refused between two commits is not looked at",
        COMMITS,
        "if self._delivery.failed:\n                self._recover(consumer, now)\n            elif",
        "if False:\n                pass\n            elif",
        "test_commits.py",
    ),
    defect(
        "records are produced while a flush is under way",
        COMMITS,
        "(self._flushing or self._recovering or self.broken)",
        "(self._recovering or self.broken)",
        "test_commits.py",
    ),
    defect(
        "a commit that was refused counts as made",
        COMMITS,
        "            self._under_way = {}\n        if error:",
        "            self._under_way = {}\n        if False:",
        "test_commits.py",
    ),
    defect(
        "events are counted before their transaction is committed",
        COMMITS,
        "        if not self._delivery.confirms_at_commit:\n            self._counts.confirm()\n",
        "        self._counts.confirm()\n",
        "test_commits.py",
    ),
    defect(
        "outputs of a partition that went are committed without their offsets",
        COMMITS,
        "if self._offsets.revoke(numbers, lost):\n            self._delivery.orphaned()",
        "self._offsets.revoke(numbers, lost)",
        "test_commits.py",
    ),
    defect(
        "after a failure nothing goes back",
        COMMITS,
        "        self._offsets.rewind()\n",
        "",
        "test_commits.py",
    ),
    defect(
        "after a rewind less is committed than a late commit may say",
        POSITIONS,
        "(needing := self._offsets.needing_seek() - under_way)",
        "(needing := self._offsets.needing_seek())",
        "test_last_commits.py",
    ),
    defect(
        "a partition is committed after its revocation",
        OFFSETS,
        "if partition := self._owned.pop(number, None):",
        "if partition := self._owned.get(number):",
        "test_offsets.py",
    ),
    defect(
        "a rewound batch is produced all the same",
        OFFSETS,
        "        self.pending.clear()\n",
        "",
        "test_lanes.py",
    ),
    defect(
        "what is ready of a partition that went stays in flight for ever",
        OFFSETS,
        "for batch in partition.forget():\n            self.remove(batch)",
        "partition.forget()",
        "test_offsets.py",
    ),
    defect(
        "outputs that are out already are no orphans",
        OFFSETS,
        "orphaned |= partition.uncommitted",
        "orphaned |= bool(partition.pending)",
        "test_offsets.py",
    ),
    # The order of records, and that none is lost between fetched and produced.
    defect(
        "a hit of the fast lane passes an earlier miss",
        LANES,
        "if may_produce and not partition.pending:",
        "if may_produce:",
        "test_lanes.py",
    ),
    defect(
        "a batch passes the one before it",
        LANES,
        "while pending and pending[0].ready:",
        "pending = type(pending)(sorted(pending, key=lambda batch: not batch.ready))\n"
        "            partition.pending = pending\n"
        "            while pending and pending[0].ready:",
        "test_lanes.py",
    ),
    defect(
        "a full queue of the producer drops the rest of a batch",
        LANES,
        "except BufferError:\n            return False",
        "except BufferError:\n            pass",
        "test_lanes.py",
    ),
    defect(
        "a full queue of the producer drops hits of the fast lane",
        LANES,
        "        return done\n",
        "        return ready\n",
        "test_lanes.py",
    ),
    defect(
        "a stale batch stays in flight for ever",
        LANES,
        "if batch.stale:",
        "if False:",
        "test_lanes.py",
    ),
    defect(
        "records that are done again count as rejected again",
        LANES,
        "if records and records[0].offset() < partition.counted:",
        "if False:",
        "test_lanes.py",
    ),
    defect(
        "a late record takes the fast lane",
        LANES,
        " or deadline.is_late(time_ms(record) or None, now_ms)",
        "",
        "test_lanes.py",
    ),
    defect(
        "an output over the topic's limit goes out unseen in the fast lane",
        FAST_LANE,
        "if entry is None or len(self.heads[position]) + len(entry.body) > room:",
        "if entry is None:",
        "test_lanes.py",
        "test_fast_lane.py",
    ),
    defect(
        "what Kafka refused goes out once more in the fast lane",
        LANES,
        "may_produce = may_produce and not self._delivery.needs_care",
        "pass",
        "test_lanes.py",
    ),
    defect(
        "headers that are too many are taken",
        LANES,
        "refused_headers(record) or batch.results[position]",
        "batch.results[position]",
        "test_lanes.py",
    ),
    defect(
        "an error of the pipeline is swallowed",
        RUNNER,
        "guarded(self._understand(batches), self.fail)",
        "guarded(self._understand(batches), lambda _, lost=batches[0]: "
        "self.lanes.finished.put(lost))",
        "test_runner.py",
    ),
    # Where a partition goes on.
    defect(
        "after a rewind the consumer does not go back",
        POSITIONS,
        "self._consumer.seek(found.partition, offset)",
        "pass",
        "test_last_commits.py",
    ),
    defect(
        "records that come before the seek are taken",
        POSITIONS,
        "if partition.needs_seek:\n            return False",
        "if False:\n            return False",
        "test_last_commits.py",
    ),
    defect(
        "a partition of which only dropped records came does not know where it began",
        POSITIONS,
        "if partition.began_at is None:\n",
        "if partition.began_at is None and not partition.needs_seek:\n",
        "test_last_commits.py",
    ),
    defect(
        "records of a partition that went are handed on",
        THREAD,
        "if self._offsets.get(number) is None or number in self._dropped:",
        "if self._offsets.get(number) is None:",
        "test_last_commits.py",
    ),
    defect(
        "records of a partition that went and came back are taken for old ones",
        THREAD,
        "if asked := numbers - self._dropped:",
        "if asked := numbers:",
        "test_last_commits.py",
    ),
    defect(
        "a rebalance resumes what is paused",
        THREAD,
        "self._backpressure.pause(consumer, numbers & self._offsets.needing_seek())",
        "self._backpressure.resume(consumer, self._backpressure.paused)",
        "test_last_commits.py",
    ),
    defect(
        "a pause outlives a partition's time away",
        THREAD,
        "        self._backpressure.resume(self._consumer.client, numbers)\n",
        "",
        "test_last_commits.py",
    ),
    defect(
        "a note is wiped beside outputs that are not committed",
        THREAD,
        "if unsure and not self._positions.ask(unsure):",
        "if False:",
        "test_last_commits.py",
    ),
    defect(
        "a restart forgets how many dead letters there were",
        POSITIONS,
        "        self._inherit(found)\n",
        "",
        "test_last_commits.py",
    ),
    defect(
        "records are fetched for minutes although none can be produced",
        THREAD,
        "if not self._fetching or self._commits.stuck:",
        "if not self._fetching:",
        "test_last_commits.py",
    ),
    defect(
        "a suspect is taken before the one before it is committed",
        POISON,
        "return bool(suspect.held) and owned is not None and owned.all_committed",
        "return bool(suspect.held)",
        "test_last_commits.py",
    ),
    # What is in flight is bounded.
    defect(
        "one partition may take all",
        PRESSURE,
        "share * (batching.max_batches_in_flight - now.batches)",
        "share * batching.max_batches_in_flight",
        "test_backpressure.py",
    ),
    defect(
        "large records come in slices as long as those of small ones",
        "worker/stream/consumer.py",
        "max(1, min(count - len(messages), room // self._largest))",
        "count - len(messages)",
        "test_fetch_in_slices.py",
    ),
)
