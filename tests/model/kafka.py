"""A small model of Kafka: logs, one group, transactions; and what the worker may never do to them.

What a real broker would let pass, but the worker promises not to do, goes into `violations`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

TOPIC, OUTPUT, DEAD = "queries", "queries.enriched", "queries.dead-letters"
Place = tuple[int, int]  # partition and offset of an input


def failed(code: int, fatal: bool = False, retriable: bool = False, abort: bool = False):
    """The exception of a client's call."""
    return KafkaException(KafkaError(code, "planned", fatal, retriable, abort))


@dataclass(eq=False)
class Transaction:
    name: str
    epoch: int
    state: str = "open"  # then committed or aborted
    offsets: dict[int, int] = field(default_factory=dict)  # staged, until the end
    notes: dict[int, str] = field(default_factory=dict)  # their metadata


@dataclass
class Entry:
    """A record of the output or the dead-letter topic."""

    topic: str
    place: Place
    transaction: Transaction | None

    @property
    def visible(self) -> bool:
        """To readers with isolation level read_committed."""
        return self.transaction is None or self.transaction.state == "committed"


@dataclass(eq=False)
class Member:
    """A consumer, as the coordinator knows it."""

    generation: int = 0
    assigned: set[int] = field(default_factory=set)
    to_revoke: set[int] = field(default_factory=set)
    to_assign: set[int] = field(default_factory=set)
    requests: list = field(default_factory=list)  # commits that are under way


class Kafka:
    """The cluster.

    Attributes:
        refused: inputs of which an output was once refused; their order is not promised.
    """

    def __init__(self, partitions: int) -> None:
        self.log: dict[int, list[Message]] = {number: [] for number in range(partitions)}
        self.out: list[Entry] = []
        self.refused: set[Place] = set()
        self.generation = 0
        self.members: list[Member] = []
        self.committed: dict[int, int] = {}
        self.notes: dict[int, str] = {}
        self.epochs: Counter[str] = Counter()
        self.open: dict[str, Transaction] = {}
        self.violations: list[str] = []

    # Records.

    def end(self, partition: int) -> int:
        log = self.log[partition]
        return log[-1].offset() + 1 if log else 0

    def add(self, partition: int, value: bytes, gap: int) -> None:
        """Append a record; `gap` offsets before it hold none."""
        offset = self.end(partition) + gap
        message = Message(
            topic=TOPIC, partition=partition, offset=offset, key=b"k", value=value, timestamp=(1, 1)
        )
        self.log[partition].append(message)

    def times(self) -> Counter[Place]:
        """How often each input is out, as read_committed has it."""
        return Counter(entry.place for entry in self.out if entry.visible)

    # The group.

    def join(self) -> Member:
        member = Member()
        self.members.append(member)
        self.rebalance()
        return member

    def leave(self, member: Member) -> None:
        """It left, or its session is over: its partitions are anybody's."""
        if member in self.members:
            self.members.remove(member)
            self.rebalance()

    def revoked(self, member: Member, gone: set[int]) -> None:
        """It gave these up."""
        member.assigned -= gone
        self.rebalance()

    def rebalance(self) -> None:
        for member in self.members:
            for request in list(member.requests):  # each is there before its request to rejoin
                request.apply()
        self.generation += 1
        wanted = {
            number: self.members[number % len(self.members)] for number in self.log if self.members
        }
        for member in self.members:
            kept = {number for number in member.assigned if wanted[number] is member}
            member.to_revoke = member.assigned - kept - member.to_assign
            member.assigned -= member.to_assign - kept  # never told it: nothing to give up
            member.to_assign &= kept
        taken = {number for member in self.members for number in member.assigned}
        for number, member in wanted.items():
            if number not in taken:
                member.assigned.add(number)
                member.to_assign.add(number)

    def check_member(self, member: Member, generation: int) -> None:
        if member not in self.members:
            raise failed(KafkaError.UNKNOWN_MEMBER_ID, abort=True)
        if generation != self.generation:
            raise failed(KafkaError.ILLEGAL_GENERATION, abort=True)

    def commit(self, member: Member, generation: int, places: list[TopicPartition]) -> None:
        """Offsets outside of a transaction; those that one has staged before do not count then.

        Raises:
            KafkaException: it is no member, or was one in another generation.
        """
        offsets = {place.partition: place.offset for place in places}
        self.check_member(member, generation)
        self.check_owned(member, offsets)
        self._move(offsets)
        self.notes |= {place.partition: place.metadata or "" for place in places}
        for transaction in self.open.values():
            for number in offsets:
                transaction.offsets.pop(number, None)

    def check_owned(self, member: Member, offsets: dict[int, int]) -> None:
        for number in offsets.keys() - member.assigned:
            self.violations.append(f"commits partition {number}, which is gone")

    def unstable(self, partition: int) -> bool:
        """Whether a transaction is open that would move its offset."""
        return any(partition in transaction.offsets for transaction in self.open.values())

    def _move(self, offsets: dict[int, int]) -> None:
        times = self.times()
        for number, offset in offsets.items():
            before = self.committed.get(number, 0)
            if offset < before:
                self.violations.append(f"commits {number} back from {before} to {offset}")
            for record in self.log[number]:
                if record.offset() < offset and not times[(number, record.offset())]:
                    told = f"commits {number} up to {offset}, and {record.offset()} is not out"
                    self.violations.append(told)
            self.committed[number] = offset

    # Transactions.

    def init(self, name: str) -> int:
        """A new epoch, in which nothing is open; older producers of the name are fenced."""
        self.epochs[name] += 1
        self.end_transaction(name, "aborted")
        return self.epochs[name]

    def begin(self, name: str) -> Transaction:
        self.open[name] = Transaction(name, self.epochs[name])
        return self.open[name]

    def end_transaction(self, name: str, state: str) -> None:
        transaction = self.open.pop(name, None)
        if transaction is None:
            return
        transaction.state = state
        if state == "committed":
            self._move(transaction.offsets)
            self.notes |= {number: transaction.notes[number] for number in transaction.offsets}

    # What must hold at any time.

    def check(self, exactly_once: bool) -> None:
        assert not self.violations, self.violations
        if exactly_once:
            twice = [place for place, times in self.times().items() if times > 1]
            assert not twice, f"out twice: {twice}"
        for number in self.log:
            self._check_order(number)

    def _check_order(self, partition: int) -> None:
        """First appearances come in offset order: all that may come between are repetitions."""
        first: dict[int, None] = {}
        for entry in self.out:
            number, offset = entry.place
            if number == partition and entry.visible and entry.topic == OUTPUT:
                first.setdefault(offset)
        found = [offset for offset in first if (partition, offset) not in self.refused]
        assert found == sorted(found), f"partition {partition} out of order: {found}"
