"""Defects of what becomes of what Kafka refuses."""

from __future__ import annotations

from tests.defects.defect import defect

COMMITS, OFFSETS = "worker/stream/commits.py", "worker/stream/offsets.py"
PRODUCER = "worker/stream/producer.py"
DELIVERY, EXACTLY_ONCE = (f"worker/stream/delivery/{name}.py" for name in ("base", "exactly_once"))

DEFECTS = (
    defect(
        "what is refused is committed with what is before it",
        "worker/stream/delivery/at_least_once.py",
        "min(found.get(number, offset), offset)",
        "max(found.get(number, offset), offset)",
        "test_before_refusals.py",
    ),
    defect(
        "a commit beside a refusal makes the recoveries begin anew",
        COMMITS,
        "        self._counts.confirm(offsets)\n",
        "        self._counts.confirm(offsets)\n        self._delivery.committed(offsets)\n",
        "test_before_refusals.py",
    ),
    defect(
        "what is out is produced again and again while a topic is missing",
        DELIVERY,
        "self._doubtful |= code in NO_TOPIC or code == KafkaError._MSG_TIMED_OUT",
        "pass",
        "test_before_refusals.py",
    ),
    defect(
        "what a rewind in a drain undid counts as drained",
        OFFSETS,
        "return bool(self.pending) or self.uncommitted or undone",
        "return bool(self.pending) or self.uncommitted",
        "test_commit_at_the_end.py",
    ),
    defect(
        "a record that Kafka refuses is tried again for ever",
        DELIVERY,
        "        self._barred[refusal.key] = refusal.error\n",
        "",
        "test_delivery.py",
    ),
    defect(
        "nothing is too many recoveries",
        DELIVERY,
        "self._recoveries > MOST_RECOVERIES and code",
        "False and code",
        "test_delivery.py",
    ),
    defect(
        "the next transaction goes on with what the last was to abort",
        EXACTLY_ONCE,
        "self._call(self.producer.client.abort_transaction)\n"
        "                self.producer.client.begin_transaction()",
        "pass",
        "test_delivery.py",
    ),
    defect(
        "after a record that librdkafka counts as sent the producer goes on",
        EXACTLY_ONCE,
        "if code in RECORD_AT_FAULT or code == KafkaError._MSG_TIMED_OUT:",
        "if False:",
        "test_delivery.py",
    ),
    defect(
        "what Kafka refuses is never told",
        PRODUCER,
        "-1, refused, None, time, header)",
        "-1, None, refused, time, header)",
        "test_producer.py",
    ),
    defect(
        "an output has this machine's time",
        PRODUCER,
        "time=time_ms(record),",
        "time=0,",
        "test_producer.py",
    ),
    defect(
        "an output of the fast lane has this machine's time",
        PRODUCER,
        "-1, refused, None, time, header)",
        "-1, refused, None, 0, header)",
        "test_producer.py",
    ),
    defect(
        "an input tells the reason of its own rejection",
        PRODUCER,
        "if item[0] not in names",
        "if item[0] not in ()",
        "test_producer.py",
    ),
)
