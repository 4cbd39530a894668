"""Put records into a broker, run a worker on it, read back what came out."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from uuid import uuid4

import jsonschema
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from worker.app import App
from worker.config.load import load_settings
from worker.config.settings import Settings
from worker.stream.consumer import NOT_YET

DEADLINE_S = 60.0


@dataclass(frozen=True)
class Topics:
    """Three topics that nothing else uses."""

    input: str
    output: str
    dead_letters: str

    @classmethod
    def fresh(cls) -> Topics:
        name = f"t{uuid4().hex[:8]}"
        return cls(name, f"{name}.enriched", f"{name}.dead-letters")


@dataclass(frozen=True)
class Record:
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int = 0
    timestamp: int = 0  # Unix milliseconds; 0 is now


def shoes(first: int, count: int) -> list[Record]:
    """Different queries, spread over four partitions."""
    numbers = range(first, first + count)
    return [Record(b'{"query": "red shoes %d"}' % n, partition=n % 4) for n in numbers]


def settings(bootstrap: str, topics: Topics, *assignments: str) -> Settings:
    """Settings of a worker on these topics; the models run in process unless told otherwise."""
    return load_settings(
        None,
        {},
        [
            f"kafka.bootstrap_servers={bootstrap}",
            f"kafka.input_topic={topics.input}",
            f"kafka.output_topic={topics.output}",
            f"kafka.dead_letter_topic={topics.dead_letters}",
            f"kafka.group_id={topics.input}",
            "kafka.commit_interval_ms=100",
            "inference.backend=onnx",
            "server.port=0",
            *assignments,
        ],
    )


def produce(bootstrap: str, topic: str, records: Iterable[Record]) -> int:
    """Produce and wait until all is confirmed; returns the count."""
    errors: list[object] = []

    def on_delivery(error: object, _: Message) -> None:
        if error is not None:
            errors.append(error)

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "message.max.bytes": 10_000_000,
            "enable.idempotence": True,  # keeps the order of its retries
        }
    )
    count = 0
    for record in records:
        while True:
            try:
                producer.produce(
                    topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers) or None,
                    partition=record.partition,
                    timestamp=record.timestamp,
                    on_delivery=on_delivery,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        count += 1
    assert producer.flush(DEADLINE_S) == 0
    assert not errors, errors[:3]
    return count


def read(bootstrap: str, topics: Iterable[str], count: int, rest: bool = True) -> list[Message]:
    """The first `count` messages; with `rest`, also what stands after them."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid4().hex,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # or the end is told half a second late
            "isolation.level": "read_committed",
        }
    )
    known = consumer.list_topics(timeout=10).topics
    places = {(name, number) for name in topics for number in known[name].partitions}
    consumer.assign([TopicPartition(*place, 0) for place in places])
    found: list[Message] = []
    more = set(places)  # whose end is not reached
    deadline = time.monotonic() + DEADLINE_S
    while (len(found) < count or (rest and more)) and time.monotonic() < deadline:
        for message in consumer.consume(100, 0.1):
            place = message.topic(), message.partition()
            if message.error() is None:
                found.append(message)
                more.add(place)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                more.discard(place)
    consumer.close()
    assert len(found) >= count, f"{len(found)} of {count} messages came out"
    assert not (rest and more), f"the end was not reached of {more}"
    return found


def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """Partition → committed offset of a group, where it is past the first record."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    asked, offsets = [TopicPartition(topic, n) for n in numbers], None
    while offsets is None:
        try:
            offsets = consumer.committed(asked, timeout=10)
        except KafkaException as error:  # a broker that just started still loads its groups
            if error.args[0].code() not in NOT_YET:
                raise
            time.sleep(0.1)
    consumer.close()
    return {item.partition: item.offset for item in offsets if item.offset > 0}


def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Partition → the offset that its next record will get."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid4().hex})
    numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    places = [TopicPartition(topic, number) for number in numbers]
    found = {p.partition: consumer.get_watermark_offsets(p, timeout=10)[1] for p in places}
    consumer.close()
    return found


@contextmanager
def running(chosen: Settings) -> Iterator[App]:
    """A worker in a thread; stopped and drained at the end, its error raised."""
    app = App(chosen)
    ready, failed = threading.Event(), []
    handles: dict = {}

    async def main() -> None:
        handles["loop"], handles["stop"] = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await app.run(handles["stop"])

    def target() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    assert ready.wait(DEADLINE_S)
    try:
        yield app
    except Exception as error:
        if failed:  # the worker's own end tells more than what was waited for
            raise failed[0] from error
        error.add_note(_state(app))
        raise
    finally:
        if thread.is_alive():
            handles["loop"].call_soon_threadsafe(handles["stop"].set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive(), "the worker did not stop"
    if failed:
        raise failed[0]


def wait_until(condition, what: str, deadline_s: float = DEADLINE_S, pause_s: float = 0.02) -> None:
    """Poll until `condition()`; fails naming `what` when the deadline passes."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s for: {what}\n{_threads()}")
        time.sleep(pause_s)


def _state(app: App) -> str:
    """Where the worker's stream stands."""
    runner = app.runner
    offsets, turned = runner.offsets, time.monotonic() - runner.thread.turned_at
    return (
        f"the worker: {runner.totals}; {offsets.in_flight}; owns {offsets.owned()}, of them "
        f"needing a seek {offsets.needing_seek()}; the Kafka thread's last turn {turned:.1f} s "
        f"ago; recoveries {runner.commits._delivery._recoveries}"
    )


def _threads() -> str:
    """Where each thread stands."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = sys._current_frames().items()
    return "\n".join(
        f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame, 4))}"
        for ident, frame in stacks
    )


def done(app: App, count: int):
    """A condition: so many records are confirmed."""
    return lambda: app.runner.totals.published + app.runner.totals.dead_lettered >= count


def is_ready(app: App) -> bool:
    """What `/readyz` would say."""
    return asyncio.run(app._ready()).ok


def schema(name: str) -> jsonschema.Draft202012Validator:
    """`input` or `output`, as it ships."""
    text = resources.files("worker").joinpath(f"schemas/{name}.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))
