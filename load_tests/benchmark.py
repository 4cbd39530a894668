"""The worker beside a bare Kafka loop and beside its models alone, in one run on one machine.

    .venv/bin/python -m load_tests.benchmark [--rounds 3] [--out load_tests/results]

Needs what the tests need: Java 17 and Maven for a real Apache Kafka, and the embedded Triton.
Every round measures each subject once, so that a noisy machine disturbs all alike; the figures are
medians. What counts are the ratios: the absolute numbers are this machine's.

    bare      consume(1000) → orjson → produce, flush and commit each second: what a loop without
              any understanding does
    cached    `query-worker run` on queries that repeat: all but the first from the cache
    distinct  `query-worker run` on queries that never repeat, through Triton
    models    the same distinct queries through the same stages and Triton, without Kafka
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import orjson
from confluent_kafka import Consumer, Message, Producer
from worker.events import Input, decode
from worker.parts import Understanding
from worker.settings import STARTER_MODELS

from tests import program, stream
from tests.servers.kafka import ApacheKafka, fetch
from tests.servers.triton import Triton, running
from tests.stream import Record, Topics
from worker import __version__, config
from worker.embedded import traffic
from worker.errors import Reject

PARTITIONS = 4
CACHED, DISTINCT = 200_000, 4_000
NOUNS = ["shoes", "sofa", "lamp", "tent", "phone", "kettle", "jacket", "drill", "puzzle", "desk"]
COLORS = ["red", "blue", "green", "black", "white", "grey", "brown", "pink", "navy", "beige"]


def repeated(count: int) -> Iterator[bytes]:
    """The demo's good queries, repeated as real ones are."""
    values = traffic.zipf([v for v in traffic.read_values(traffic.BUILT_IN) if _good(v)])
    return (next(values) for _ in range(count))


def distinct(count: int, salt: int) -> Iterator[bytes]:
    for n in range(count):
        noun, color = NOUNS[n % 10], COLORS[n // 10 % 10]
        yield orjson.dumps({"query": f"{color} {noun} size {salt}{n}"})


def _good(value: bytes) -> bool:
    try:
        return bool(decode(Input(value, "", 0), 1000).query.strip())
    except Reject:
        return False


def rate(outputs: list[Message]) -> float:
    """Events per second between the first and the last output, by their timestamps."""
    times = [message.timestamp()[1] for message in outputs]
    return len(outputs) / max((max(times) - min(times)) / 1000, 0.001)


def fill(kafka: ApacheKafka, values: Iterator[bytes]) -> tuple[Topics, int]:
    topics = Topics.fresh()
    kafka.create(topics.input, topics.dead_letters, partitions=PARTITIONS)
    # The broker's times: the worker's outputs have those of their inputs.
    broker_time = {"message.timestamp.type": "LogAppendTime"}
    kafka.create(topics.output, partitions=PARTITIONS, config=broker_time)
    records = (Record(value, partition=n % PARTITIONS) for n, value in enumerate(values))
    return topics, stream.produce(kafka.bootstrap_servers, topics.input, records)


def bare(kafka: ApacheKafka) -> float:
    topics, count = fill(kafka, repeated(CACHED))
    address = {"bootstrap.servers": kafka.bootstrap_servers}
    group = {"group.id": topics.input, "auto.offset.reset": "earliest"}
    consumer = Consumer(address | group | {"enable.auto.commit": False})
    producer = Producer(address | {"enable.idempotence": True, "compression.type": "lz4"})
    consumer.subscribe([topics.input])
    seen, due = 0, time.monotonic() + 1
    while seen < count:
        for message in consumer.consume(1000, 0.02):
            event = orjson.loads(message.value())
            event["normalized_query"] = event["query"]
            while True:
                try:
                    producer.produce(topics.output, orjson.dumps(event))
                    break
                except BufferError:
                    producer.poll(0.01)
            seen += 1
        producer.poll(0)
        if seen and (time.monotonic() >= due or seen == count):
            producer.flush()
            consumer.commit(asynchronous=False)
            due = time.monotonic() + 1
    consumer.close()
    return rate(stream.read(kafka.bootstrap_servers, [topics.output], count))


def worker(kafka: ApacheKafka, triton: Triton, values: Iterator[bytes]) -> float:
    topics, count = fill(kafka, values)
    chosen = stream.settings(
        *(kafka.bootstrap_servers, topics, "inference.backend=triton"),
        *(f"inference.url={triton.url}", "kafka.commit_interval_ms=1000"),
    )
    with program.started("run", *program.assignments(chosen)) as process:
        outputs = stream.read(kafka.bootstrap_servers, [topics.output], count)
        process.popen.terminate()
        assert process.ended() == 0, process.log
    return rate(outputs)


def models(triton: Triton, values: Iterator[bytes]) -> float:
    chosen = config.load(None, {}, ["inference.backend=triton", f"inference.url={triton.url}"])
    inputs = [Input(value, "x", 0) for value in values]
    chunks = [inputs[start : start + 256] for start in range(0, len(inputs), 256)]

    async def work() -> float:
        understanding = Understanding(chosen)
        async with understanding.ready(60):
            places = asyncio.Semaphore(4)

            async def one(chunk: list[Input]) -> None:
                async with places:
                    await understanding.pipeline.process(chunk)

            began = time.monotonic()
            await asyncio.gather(*map(one, chunks))
            return len(inputs) / (time.monotonic() - began)

    return asyncio.run(work())


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results file.")
def main(rounds: int, out: Path | None) -> None:
    """Measure, print a table and write it with the machine and the date."""
    fetch()
    kafka = ApacheKafka()
    try:
        kafka.start()
        with running(STARTER_MODELS) as triton:
            subjects: dict[str, Callable[[int], float]] = {
                "bare": lambda n: bare(kafka),
                "cached": lambda n: worker(kafka, triton, repeated(CACHED)),
                "distinct": lambda n: worker(kafka, triton, distinct(DISTINCT, n)),
                "models": lambda n: models(triton, distinct(DISTINCT, n + 1000)),
            }
            found: dict[str, list[float]] = {name: [] for name in subjects}
            for n in range(rounds):
                for name, measure in subjects.items():
                    found[name].append(round(measure(n), 1))
                    print(f"round {n + 1} {name}: {found[name][-1]:,.0f} events/s")
    finally:
        kafka.close()
    middle = {name: statistics.median(values) for name, values in found.items()}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": machine,
        "worker": __version__,
        "events_per_second": found,
        "median": middle,
        "ratios": {
            "cached / bare": round(middle["cached"] / middle["bare"], 2),
            "distinct / models": round(middle["distinct"] / middle["models"], 2),
        },
    }
    print(json.dumps(report, indent=2))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"{report['date']}.json"
        file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
