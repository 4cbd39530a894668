"""Traffic for the demo and the compose file: queries of a file, drawn by a Zipf distribution.

python -m worker.commands.demo.traffic --bootstrap-servers localhost:9092 --topic queries --rate 50
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import click
from confluent_kafka import KafkaException, Producer

from worker.errors import ConfigError
from worker.event import from_line

BUILT_IN = Path(__file__).with_name("demo_queries.txt")
ZIPF_EXPONENT = 1.0
MAX_BYTES = 65_536  # a line; the embedded broker keeps only some MiB


def read_values(file: Path) -> list[bytes]:
    """Record values, one a line: a line that starts with `{` is raw JSON, any other a query.

    Raises:
        ConfigError: the file cannot be read or holds no line.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); name a file of queries"
        ) from None
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_BYTES:
            raise ConfigError(
                f"{file}: line {number} has {len(line):,} bytes, expected at most {MAX_BYTES:,};"
                " shorten it, or leave it out"
            )
    values = [from_line(line) for line in lines if line.strip()]
    if not values:
        raise ConfigError(f"{file}: is empty; write one query a line")
    return values


def zipf(values: list[bytes], seed: int = 1) -> Iterator[bytes]:
    """Endless values; the probability of the one at rank r is proportional to 1 / r."""
    draw = random.Random(seed)
    weights = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(len(values))))
    while True:
        yield from draw.choices(values, cum_weights=weights, k=1000)


@click.command()
@click.option("--bootstrap-servers", required=True, help="Brokers, host:port,host:port.")
@click.option("--topic", default="queries", show_default=True, help="Input topic.")
@click.option(
    "--rate",
    type=click.FloatRange(0, 1e6, min_open=True),
    default=50.0,
    show_default=True,
    help="Events per second.",
)
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    default=BUILT_IN,
    help="File with one query a line.  [default: built-in queries]",
)
def main(bootstrap_servers: str, topic: str, rate: float, queries: Path) -> None:
    """Produce queries to a topic until interrupted."""
    try:
        values = read_values(queries)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5})
    start, sent = time.monotonic(), 0
    for value in zipf(values):
        try:
            producer.produce(topic, value=value)
            sent += 1
        except (BufferError, KafkaException):
            pass  # the broker is unavailable: this event is left out
        producer.poll(max(0.0, start + sent / rate - time.monotonic()))


if __name__ == "__main__":
    main()
