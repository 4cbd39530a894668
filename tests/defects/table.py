"""Deliberate defects: what would break a promise, and the tests that are the first to see it."""

from __future__ import annotations

from dataclasses import dataclass

MODEL = ("tests/model",)
EXACTLY_ONCE = ("tests/model/test_histories.py::TestExactlyOnce",)
STREAM = ("worker/stream/runner.py", "worker/stream/consumer.py", "worker/stream/producer.py")
RUNNER, SOURCE, SINK = STREAM
TRACKER, TRANSACTIONS = "worker/stream/offsets.py", "worker/stream/delivery/exactly_once.py"


@dataclass(frozen=True)
class Defect:
    """A change of one file.

    Attributes:
        swaps: pairs of what stands there, exactly once, and what is put in its place.
        tests: those most likely to see it; the others are asked after them.
    """

    name: str
    file: str
    swaps: tuple[tuple[str, str], ...]
    tests: tuple[str, ...] = MODEL


DEFECTS = (
    Defect(
        "a batch is resolved before Kafka confirmed it",
        RUNNER,
        (
            (
                "await self._deliver(batch, results, mine)\n"
                "                    self._tracker.resolve(batch.ticket)\n",
                "self._tracker.resolve(batch.ticket)\n"
                "                    await self._deliver(batch, results, mine)\n",
            ),
        ),
    ),
    Defect(
        "a partition is committed after its revocation",
        TRACKER,
        (
            (
                "if partition := self._owned.pop(number, None):\n"
                "                    self._orphans |= partition.orphans\n"
                "                    partition.forget()",
                "pass",
            ),
        ),
    ),
    Defect(
        "a record is dropped while the producer's queue is full",
        SINK,
        (
            (
                "await asyncio.sleep(POLL_S)\n            except K",
                "return receipt.answer(index, None)\n            except K",
            ),
        ),
    ),
    Defect(
        "an error of a batch is swallowed",
        RUNNER,
        (
            (
                "guarded(self._carry(batch, before, mine), self.fail)",
                "guarded(self._carry(batch, before, mine), lambda _: None)",
            ),
        ),
    ),
    Defect(
        "a rebalance resumes what is paused",
        SOURCE,
        (
            (
                "self._pauses.pause(consumer, numbers & self._tracker.astray().keys())\n",
                "self._pauses.resume(consumer, self._pauses.paused)\n",
            ),
        ),
    ),
    Defect(
        "a stale batch moves its partition's offset",
        TRACKER,
        (
            (
                "            if not ticket.stale:\n",
                "            if ticket.stale and ticket.partition in self._owned:\n"
                "                self._owned[ticket.partition].resolved = ticket.next_offset\n"
                "            if not ticket.stale:\n",
            ),
        ),
        ("tests/unit/test_tracker.py",),
    ),
    Defect(
        "a batch that is late is passed by those after it",
        TRACKER,
        (("while owned.open and owned.open[0].resolved:", "while ticket in owned.open:"),),
    ),
    Defect(
        "the next transaction goes on with what the last was to abort",
        TRANSACTIONS,
        (
            (
                "await self._call(self.sink.producer.abort_transaction)\n"
                "                self.sink.producer.begin_transaction()",
                "pass",
            ),
        ),
        EXACTLY_ONCE,
    ),
    Defect(
        "a transaction is committed although something in it must not come out",
        TRANSACTIONS,
        (("if offsets is None or self._spoiled:", "if offsets is None:"),),
        EXACTLY_ONCE,
    ),
    Defect(
        "outputs of a partition that went are committed without their offsets",
        TRACKER,
        (("return None if self._orphans else self._committable()", "return self._committable()"),),
        EXACTLY_ONCE,
    ),
    Defect(
        "the group's metadata is taken after the offsets",
        TRANSACTIONS,
        (
            (
                "await self._send(offsets, member)",
                "await self._send(offsets, self._consumer.consumer_group_metadata())",
            ),
        ),
        EXACTLY_ONCE,
    ),
    Defect(
        "a batch is produced while a transaction ends",
        TRANSACTIONS,
        (("async with self._gate.inside():", "if True:"),),
        EXACTLY_ONCE,
    ),
    Defect(
        "a batch is resolved before its dead letters are confirmed",
        RUNNER,
        (
            (
                "for failure in await asyncio.gather(*sent, return_exceptions=True):",
                "for failure in [asyncio.ensure_future(each) for each in sent] and ():",
            ),
        ),
    ),
    Defect(
        "events are counted before their transaction is committed",
        TRANSACTIONS,
        (("self._counts.append(count)", "count()"),),
        EXACTLY_ONCE,
    ),
    Defect(
        "the turn is given on before the batch is produced",
        RUNNER,
        (
            (
                "        started = monotonic()\n        delivery, receipt",
                "        mine.set_result(None)\n        started = monotonic()\n"
                "        delivery, receipt",
            ),
            ("        mine.set_result(None)\n        refusals", "        refusals"),
        ),
    ),
    Defect(
        "an abandoned batch is resolved",
        RUNNER,
        (("self._tracker.abandon(batch.ticket)", "self._tracker.resolve(batch.ticket)"),),
    ),
    Defect(
        "after a rewind the consumer does not go back",
        SOURCE,
        (("self._consumer.seek(TopicPartition(topic, found.partition, offset))", "pass"),),
    ),
    Defect(
        "what was fetched before a rewind is not gone back to",
        TRACKER,
        (
            ("if owned is not None and owned.began_at is None:", "if owned is None:"),
            ("owned.began_at = offset  #", "pass  #"),
            (
                "owned.open.append(ticket)",
                "owned.began_at = offset if owned.began_at is None else owned.began_at\n"
                "                owned.open.append(ticket)",
            ),
        ),
    ),
    Defect(
        "records of a partition that went are handed on",
        SOURCE,
        (("if m.partition() not in self._dropped]", "]"),),
    ),
    Defect(
        "records of a partition that went and came back are taken for old ones",
        SOURCE,
        (
            (
                "self._go_back(dict.fromkeys(numbers - self._dropped))",
                "self._go_back(dict.fromkeys(numbers))",
            ),
        ),
    ),
    Defect(
        "an offset is committed beside an open transaction",
        SOURCE,
        (
            (
                "if self._delivery.settle(partitions, REVOKE_WAIT_S) and self._tracker.owned():",
                "self._delivery.settle(partitions, REVOKE_WAIT_S)\n"
                "        if self._tracker.owned():",
            ),
        ),
        EXACTLY_ONCE,
    ),
    Defect(
        "a drain commits what it cut short",
        RUNNER,
        (
            (
                "except Broken as error:",
                "except asyncio.CancelledError:\n"
                "            self._tracker.resolve(batch.ticket)\n"
                "            raise\n"
                "        except Broken as error:",
            ),
        ),
    ),
    Defect(
        "a degraded answer is cached",
        "worker/understanding/pipeline.py",
        (
            (
                "isinstance(result, Enrichment) and not result.degraded",
                "isinstance(result, Enrichment)",
            ),
        ),
        ("tests/unit/test_pipeline.py",),
    ),
    Defect(
        "the cache keeps what an older model answered",
        "worker/understanding/pipeline.py",
        (("if changed:\n", "if not self._served:\n"),),
        (
            "tests/unit/test_pipeline.py",
            "tests/unit/test_versions.py",
            "tests/unit/test_snapshot.py",
        ),
    ),
    Defect(
        "untouched fields are encoded anew",
        "worker/event.py",
        (
            (
                "if ours or any(getattr(members, name) is not UNSET for name in missing):",
                "if True:",
            ),
        ),
        ("tests/unit/test_fuzz.py", "tests/unit/test_events.py"),
    ),
    Defect(
        "equal queries have two normal forms",
        "worker/understanding/normalize.py",
        (('text = unicodedata.normalize("NFKC", text.lower())', "text = text"),),
        ("tests/unit/test_fuzz.py",),
    ),
    Defect(
        "a restart forgets how many dead letters there were",
        SOURCE,
        (("                self._inherit(found)\n", ""),),
        ("tests/unit/test_last_commits.py", "tests/scenarios/test_dead_letter_flood.py"),
    ),
    Defect(
        "an output has this machine's time",
        SINK,
        (('"timestamp": time_ms(record)', '"timestamp": 0'),),
        ("tests/scenarios/test_wrong_clock.py",),
    ),
    Defect(
        "a record that takes others with it is tried once more",
        "worker/stream/delivery/at_least_once.py",
        (("            self._bar(place(record), refusal)", "            pass"),),
        ("tests/scenarios/test_refused_by_kafka.py",),
    ),
)
