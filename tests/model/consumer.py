"""Consumer of the model: confluent_kafka's calls, answered by `Kafka` as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.model.kafka import TOPIC, Kafka, Member, failed
from tests.model.steps import in_strand, wait


class Commit:
    """A request to commit, until it is answered."""

    def __init__(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        self._consumer, self.member = consumer, consumer.member
        self.offsets, self._generation = offsets, consumer.member.generation
        self.error: KafkaError | None = None
        self.lost = False  # its answer
        self.member.requests.append(self)

    def apply(self) -> None:
        """The coordinator takes or refuses it."""
        if self not in self.member.requests:
            return
        self.member.requests.remove(self)
        try:
            self._consumer.kafka.commit(self.member, self._generation, self.offsets)
        except KafkaException as error:
            self.error = error.args[0]
        if self.lost:
            self.error = KafkaError(KafkaError._TIMED_OUT, "planned")
        self._consumer.answers.append((self, self.error, self.offsets))

    def drop(self) -> None:
        """It never arrives."""
        self.member.requests.remove(self)
        self.error = KafkaError(KafkaError._TIMED_OUT, "planned")
        self._consumer.answers.append((self, self.error, self.offsets))


class Consumer:
    """A member of the group; answers and rebalances are served in `consume`, as librdkafka does.

    Attributes:
        paused: as librdkafka has it, it outlives a partition's time away.
        commit_fault: of the next commit: `drop` or `lose`, the request or its answer.
    """

    def __init__(self, kafka: Kafka, properties: dict) -> None:
        self.kafka, self._on_commit = kafka, properties["on_commit"]
        self.member = Member()
        self.positions: dict[int, int | None] = {}
        self.paused: set[int] = set()
        self.answers: deque = deque()
        self.dead = False
        self.commit_fault = ""
        self.late: Callable[[], None] = lambda: None
        self._turn = 0

    def subscribe(self, _topics, on_assign, on_revoke, on_lost) -> None:
        self._on_assign, self._on_revoke, self._on_lost = on_assign, on_revoke, on_lost
        self.member = self.kafka.join()

    def consume(self, count: int, _timeout_s: float) -> list:
        wait()
        self._serve()
        self._turn += 1
        taken: list = []
        numbers = sorted(self.positions.keys() - self.paused)
        for index in range(len(numbers)):
            number = numbers[(index + self._turn) % len(numbers)]
            taken += self._fetch(number, count - len(taken))
        return taken

    def _fetch(self, number: int, count: int) -> list:
        if self.positions[number] is None:
            if self.kafka.unstable(number):
                return []
            self.positions[number] = self.kafka.committed.get(number, 0)
        log = self.kafka.log[number]
        found = [record for record in log if record.offset() >= self.positions[number]][:count]
        if found:
            self.positions[number] = found[-1].offset() + 1
        return found

    def _serve(self) -> None:
        while self.answers:
            commit, error, offsets = self.answers.popleft()
            if not getattr(commit, "waited", False):
                self._on_commit(error, offsets)
        if self.member not in self.kafka.members:
            if self.positions:
                self._on_lost(self, self._places(self.positions))
            for request in list(self.member.requests):  # refused: it comes from nobody
                request.apply()
            self.member = self.kafka.join()
        self.member.generation = self.kafka.generation
        if self.member.to_revoke:
            going = set(self.member.to_revoke)
            try:
                self._on_revoke(self, self._places(going))
            finally:  # confluent_kafka unassigns them where the callback has failed
                for number in going & self.positions.keys():
                    del self.positions[number]
                if self.member in self.kafka.members and not self.dead:
                    self.kafka.revoked(self.member, going)
                    self.member.generation = self.kafka.generation
        if self.member in self.kafka.members and self.member.to_assign:
            coming, self.member.to_assign = self.member.to_assign, set()
            self._on_assign(self, self._places(coming))

    def incremental_assign(self, places) -> None:
        self.positions |= {place.partition: None for place in places}

    def incremental_unassign(self, places) -> None:
        for place in places:
            del self.positions[place.partition]

    def pause(self, places) -> None:
        self.paused |= {place.partition for place in places}

    def resume(self, places) -> None:
        self.paused -= {place.partition for place in places}

    def seek(self, place) -> None:
        if place.partition not in self.positions:
            raise failed(KafkaError._STATE)
        self.positions[place.partition] = place.offset

    def get_watermark_offsets(self, place, cached: bool) -> tuple[int, int]:
        return 0, self.kafka.end(place.partition)  # nothing is ever deleted

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        wait()
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=dict(self.kafka.log))})

    def committed(self, places, timeout: float) -> list[TopicPartition]:
        wait()
        if any(self.kafka.unstable(place.partition) for place in places):
            raise failed(KafkaError._TIMED_OUT, retriable=True)
        return [self._known(place.partition) for place in places]

    def _known(self, number: int) -> TopicPartition:
        offset, note = self.kafka.committed.get(number, -1001), self.kafka.notes.get(number, "")
        return TopicPartition(TOPIC, number, offset, metadata=note)

    def commit(self, offsets, asynchronous: bool) -> list[TopicPartition] | None:
        request = Commit(self, offsets)
        fault, self.commit_fault = self.commit_fault, ""
        request.lost = fault == "lose"
        if asynchronous:
            return None
        request.waited = True
        wait()
        if fault == "drop" and request in request.member.requests:
            request.drop()
        for earlier in list(self.member.requests):  # on one connection, so in order
            earlier.apply()
            if earlier is request:
                break
        request.apply()
        if request.error:
            raise KafkaException(request.error)
        return offsets

    def consumer_group_metadata(self) -> tuple[Member, int]:
        if not in_strand():  # librdkafka may answer seconds late
            self.late()
        return self.member, self.member.generation

    def close(self) -> None:
        if self.dead:
            return
        if self.positions:
            lost = self.member not in self.kafka.members
            (self._on_lost if lost else self._on_revoke)(self, self._places(self.positions))
        self.kafka.leave(self.member)

    def _places(self, numbers) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, number) for number in sorted(numbers)]
