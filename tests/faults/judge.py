"""The judgement of a run: every record of the three topics read again, counted, and summed up."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from confluent_kafka import KafkaError, Message

from tests.faults import check
from tests.faults.check import Checker, Reference
from tests.faults.kinds import KINDS
from tests.faults.monitor import number, reader
from tests.faults.options import Options
from tests.faults.reconcile import Ledger, Window
from tests.faults.run import Inflicted, Outcome

READ_S = 30.0  # without a record
AFTER_S = 2.0  # a window stays open after all flows again: what was queued comes out
WRONG_ANSWERS = {"wrong_values", "wrong_rows", "wrong_shape"}
LATE_S = 10.0  # a call with a wrong answer, its retries, and the dead letter's way


def judge(outcome: Outcome) -> Ledger:
    """Reconcile all that went in with all that came out."""
    windows = [
        Window(fault.plan.kind, fault.began, fault.over + AFTER_S)
        for fault in outcome.faults
        if fault.kind.replays
    ]
    windows += [Window("worker_exit", at - AFTER_S, at + 30.0) for at, _ in outcome.exits]
    ledger = Ledger(outcome.sent, windows)
    for message in _read(outcome.bootstrap, [outcome.topics.input]):
        ledger.sent(number(message), message.partition(), message.offset())
    reference = Reference()
    queries = (outcome.inputs[n].query for n in range(outcome.sent))
    reference.learn(outcome.settings, filter(None, queries))
    _Judge(outcome, ledger, Checker(reference)).look()
    ledger.lost()
    for partition, count in outcome.uncommitted.items():
        ledger.findings.add("uncommitted", f"partition {partition}: {count} after the drain")
    return ledger


class _Judge:
    def __init__(self, outcome: Outcome, ledger: Ledger, checker: Checker) -> None:
        self._outcome, self._ledger, self._checker = outcome, ledger, checker
        self._wrong = [fault for fault in outcome.faults if fault.plan.kind in WRONG_ANSWERS]

    def look(self) -> None:
        """Check each record by itself; then count them all, in the order in which they came."""
        came: list[tuple[float, int, int, int | str]] = []
        topics = self._outcome.topics
        for message in _read(self._outcome.bootstrap, [topics.output, topics.dead_letters]):
            found, at = number(message), self._outcome.arrived(message)
            if not 0 <= found < self._outcome.sent:
                self._tell("corrupted", message, f"it is of input {found}")
            elif message.topic() == topics.output:
                came.append((at, len(came), found, message.partition()))
                self._check(found, message, self._output)
            else:
                came.append((at, len(came), found, check.reason(message)))
                self._check(found, message, self._dead_letter)
        self._keep(sorted(came))
        for at, _, found, lane in sorted(came):
            if isinstance(lane, int):
                self._ledger.out(found, lane, at)
            else:
                self._ledger.dead_letter(found, lane, at)

    def _keep(self, came: list[tuple[float, int, int, int | str]]) -> None:
        """A line for each output and dead letter, beside the workers' logs, for who searches."""
        with (self._outcome.folder / "came.tsv").open("w") as file:
            file.write("came at\tinput\tkind\tpartition\toffset\toutput partition or reason\n")
            for at, _, found, lane in came:
                kind, (partition, offset) = (
                    self._outcome.inputs[found].kind,
                    self._ledger.place(found),
                )
                file.write(f"{at:.3f}\t{found}\t{kind}\t{partition}\t{offset}\t{lane}\n")

    def _check(self, found: int, message: Message, look: Callable[..., str | None]) -> None:
        partition, offset = self._ledger.place(found)
        place = f"{self._outcome.topics.input}-{partition}-{offset}"
        if fault := look(self._outcome.inputs[found], message, place):
            kind, told = _sorted(fault)
            self._tell(kind, message, f"input {found}: {told}")

    def _output(self, sent: Any, message: Message, place: str) -> str | None:
        if sent.reason is not None:
            return f"published, and should be refused: {sent.kind}"
        return self._checker.output(sent, message, place)

    def _dead_letter(self, sent: Any, message: Message, place: str) -> str | None:
        told, at = check.reason(message), self._outcome.arrived(message)
        if told != sent.reason and not (told == "model_rejected" and self._excused(at)):
            return f"rejected: {told}, expected {sent.reason or 'an output'}"
        return self._checker.dead_letter(sent, message, place)

    def _excused(self, at: float) -> bool:
        return any(fault.began <= at <= fault.over + LATE_S for fault in self._wrong)

    def _tell(self, kind: str, message: Message, told: str) -> None:
        place = f"{message.topic()}-{message.partition()}-{message.offset()}"
        self._ledger.findings.add(kind, f"{place}: {told}")


def _sorted(fault: str) -> tuple[str, str]:
    for begin, kind in (("mixed", "mixed_versions"), ("rejected", "rejected")):
        if fault.startswith(begin):
            return kind, fault
    return "corrupted", fault


def _read(bootstrap: str, topics: Iterable[str]) -> Iterator[Message]:
    """All committed records of the topics, each partition's in offset order."""
    consumer, places = reader(bootstrap, topics, **{"enable.partition.eof": True})
    left = {(place.topic, place.partition) for place in places}
    while left:
        messages = consumer.consume(1000, READ_S if len(left) == len(places) else 1.0)
        if not messages and len(left) == len(places):
            raise TimeoutError(f"cannot read {topics}")
        for message in messages:
            if message.error() is None:
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard((message.topic(), message.partition()))
    consumer.close()


def broken(ledger: Ledger, outcome: Outcome, options: Options) -> list[str]:
    """The guarantees that did not hold; empty when all is well."""
    wanted = ["lost", "corrupted", "mixed_versions", "rejected", "sent_twice", "uncommitted"]
    either = ["duplicated", "out_of_order"]
    wanted += either if options.exactly_once else [f"{name}_elsewhere" for name in either]
    found = [name for name in wanted if ledger.findings.counts[name]]
    if any(None in fault.recovery_s for fault in outcome.faults):
        found.append("recovery")
    return found + (["worker_exits"] if outcome.exits else [])


def summary(ledger: Ledger, outcome: Outcome, options: Options) -> dict[str, Any]:
    """The last line of a run."""
    counts = ledger.findings.counts
    times = sorted(s for fault in outcome.faults for s in fault.recovery_s if s is not None)
    return {
        **{name: counts[name] for name in ("lost", "duplicated", "out_of_order", "corrupted")},
        "mixed_versions": counts["mixed_versions"],
        "faults": _counted(outcome.faults),
        "recovery_p99_s": _p99(times),
        "recovery_s": _by_kind(outcome.faults),
        "missed_goals": sorted({f.plan.kind for f in outcome.faults if _missed(f)}),
        "standstill_untouched_s": round(
            max((f.standstill_s for f in outcome.faults), default=0), 2
        ),
        "duplicated_beside_faults": dict(ledger.excused),
        "duplicated_elsewhere": counts["duplicated_elsewhere"],
        "out_of_order_elsewhere": counts["out_of_order_elsewhere"],
        "rejected": counts["rejected"],
        "uncommitted": counts["uncommitted"],
        "dead_letters": dict(ledger.dead_letters),
        "worker_exits": [told for _, told in outcome.exits],
        "peak_rss_mb": round(outcome.peak_rss_mb),
        "inputs": outcome.sent,
        **{name: getattr(options, name) for name in ("seed", "minutes", "delivery", "protocol")},
        "static": options.static,
        "overlap": options.overlap,
        "workers": options.workers,
        "rate": options.rate,
        "broken": broken(ledger, outcome, options),
    }


def _counted(faults: list[Inflicted]) -> dict[str, int]:
    names = [fault.plan.kind for fault in faults]
    return {name: names.count(name) for name in KINDS if name in names}


def _by_kind(faults: list[Inflicted]) -> dict[str, dict[str, float | None]]:
    """Kind → median and longest time until all flowed again; None where it never did."""
    found: dict[str, dict[str, float | None]] = {}
    for name in _counted(faults):
        times = [s for fault in faults if fault.plan.kind == name for s in fault.recovery_s]
        known = [s for s in times if s is not None]
        if times:
            found[name] = {
                "median": round(statistics.median(known), 2) if known else None,
                "max": round(max(known), 2) if len(known) == len(times) else None,
            }
    return found


def _missed(fault: Inflicted) -> bool:
    return any(s is None or s > fault.kind.goal_s for s in fault.recovery_s)


def _p99(times: list[float]) -> float | None:
    return round(times[min(len(times) - 1, int(0.99 * len(times)))], 2) if times else None
