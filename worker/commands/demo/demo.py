"""`query-worker demo`: embedded Kafka and Triton, traffic, and the real worker, in one command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from confluent_kafka import Producer

from worker.app import App
from worker.commands.demo import traffic
from worker.commands.demo.observer import Observer
from worker.commands.demo.view import View
from worker.commands.options import configured
from worker.commands.signals import until_stopped
from worker.config.settings import Settings
from worker.embedded.binary import available
from worker.embedded.kafka import EmbeddedKafka
from worker.embedded.triton import EmbeddedTriton
from worker.folders import Contracts, by_name, load_all_contracts

logger = logging.getLogger(__name__)

TICK_S = 0.01
# Limits of unread input: the embedded broker keeps the last 5 MiB of a partition, and the time that
# records wait there would count as latency.
MAX_AHEAD, MAX_BYTES_AHEAD = 512, 4 * 2**20
REFRESH_S = 0.25
TRITON_START_S = 60.0
LEAST_S = 0.1  # from the first to the last confirmation, for a rate
SETTLE_S = 10.0  # after Ctrl-C, how long outputs are waited for before the drain
TEXT = (
    "{produced} in {sign} {published} published + {dead_lettered} dead-lettered{more}\n"
    "{rate}; latency p50 {p50_ms:.1f}, p95 {p95_ms:.1f}, p99 {p99_ms:.1f} ms;"
    " {cache_hit_ratio:.0%} from the cache; first event {first_event_s:.1f} s after the start"
)


@click.command(short_help="Stream queries through an embedded Kafka and Triton.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="File with one query a line.  [default: built-in queries]",
)
@click.option(
    "--events",
    type=click.IntRange(1),
    help="Stop after N events and print a summary.  [default: run until stopped]",
)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=100.0,
    show_default=True,
    help="Events per second; 0 for as fast as possible.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the summary as JSON, no live view; its seconds begin with the first output.",
)
@configured
def demo(
    queries: Path | None, events: int | None, rate: float, as_json: bool, settings: Settings
) -> None:
    """Stream queries through an embedded Kafka and Triton and show events, rates and latencies.

    The configuration's Kafka and Triton are not used; its other settings apply.

    \b
    Example:
      query-worker demo --events 2000 --rate 500
    """
    if not math.isfinite(rate):
        message = "must be a finite number, 0 for as fast as possible"
        raise click.BadParameter(message, param_hint="--rate")
    session = Demo(settings, queries, events, rate, live=not as_json)
    summary = asyncio.run(
        until_stopped(session.run, session.restore_terminal, also=(signal.SIGHUP,))
    )
    if summary is not None:
        click.echo(orjson.dumps(summary) if as_json else as_text(summary))
        sys.exit(not summary["balanced"])


def as_text(summary: dict[str, Any]) -> str:
    """The summary in two lines."""
    skipped = f" + {summary['skipped']} skipped" if summary["skipped"] else ""
    rate = "too few events for a rate"
    if summary["events_per_second"] is not None:
        rate = f"{summary['events_per_second']:,.0f} events/s over {summary['seconds']:.1f} s"
    sign = "=" if summary["balanced"] else "≠"
    return TEXT.format(**summary, sign=sign, more=skipped, rate=rate)


class Demo:
    """One run of the demo.

    Args:
        queries: file of queries; None for the built-in ones.
        events: stop after this many; None: run until stopped.
        rate: events per second; 0 for as fast as possible.
        live: show the live view; else only the summary is printed.
    """

    def __init__(
        self, settings: Settings, queries: Path | None, events: int | None, rate: float, live: bool
    ) -> None:
        self._settings, self._events, self._rate = settings, events, rate
        self._values = traffic.read_values(queries or traffic.BUILT_IN)
        self._live = live
        self._view: View | None = None
        self._started = time.monotonic()
        self._produced = 0
        self._fed_at = 0.0

    async def run(self, stop: asyncio.Event) -> dict[str, Any] | None:
        """Start all, stream until `stop` is set or all events are produced, drain, sum up.

        Returns:
            None if `stop` was set before the stream began.
        """
        contracts = load_all_contracts(self._settings)  # broken folders are reported at once
        with EmbeddedKafka.running() as kafka:
            async with self._models(by_name(contracts), stop) as inference:
                if inference is None:
                    return None
                settings = self._embedded(kafka.bootstrap_servers, inference)
                topics = settings.kafka
                kafka.create(topics.input_topic, topics.output_topic, topics.dead_letter_topic)
                return await self._stream(App(settings), kafka, stop)

    def restore_terminal(self) -> None:
        """Restore the terminal before the process is ended by force."""
        if self._view:
            self._view.restore_terminal()

    @contextlib.asynccontextmanager
    async def _models(
        self, contracts: Contracts, stop: asyncio.Event
    ) -> AsyncIterator[dict[str, str] | None]:
        """The inference settings: of the real Triton if it can run here, else ONNX Runtime.

        None when `stop` was set while it started.
        """
        given = self._settings.inference
        chosen = "backend" in given.model_fields_set and given.backend == "onnx"
        reason = "inference.backend is onnx" if chosen else available()
        if reason:
            print(f"models run in this process (ONNX Runtime): {reason}", file=sys.stderr)
            yield {"backend": "onnx"}
            return
        if self._live:
            print("starting Triton …", file=sys.stderr)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        with tempfile.TemporaryDirectory(prefix="query-worker-models-") as folder:
            for name, contract in contracts.items():  # they may lie in several folders
                (Path(folder) / name).symlink_to(contract.folder.resolve())
            server = EmbeddedTriton(Path(folder), instances=max(1, cores // 2))
            if not await _unless(stop, server.start(TRITON_START_S)):
                yield None
                return
        try:
            yield {"backend": "triton", "url": server.grpc_url}
        finally:
            await server.stop()

    def _embedded(self, bootstrap_servers: str, inference: dict[str, str]) -> Settings:
        given = self._settings
        quick = {"group.protocol": "consumer"}  # no wait for further members at the start
        kafka = {"bootstrap_servers": bootstrap_servers, "client": {}, "consumer": quick}
        port = given.server.port if "port" in given.server.model_fields_set else 0
        return given.model_copy(
            update={
                "kafka": given.kafka.model_copy(update=kafka | {"producer": {}}),
                "inference": given.inference.model_copy(update=inference),
                "server": given.server.model_copy(update={"port": port}),
            }
        )

    async def _stream(self, app: App, kafka: EmbeddedKafka, stop: asyncio.Event) -> dict[str, Any]:
        stop_app = asyncio.Event()
        working = asyncio.create_task(app.run(stop_app))
        feeding = asyncio.create_task(self._feed(app, stop))
        observer = Observer(app)
        self._view = view = View(app, observer) if self._live else None
        try:
            with view.shown() if view else contextlib.nullcontext(), observer.reading():
                settled = False  # so that a short stream is shown at least once
                while not (settled or working.done()):
                    await asyncio.wait({working}, timeout=REFRESH_S)
                    observer.sample()
                    if view:
                        view.refresh()
                    settled = await self._settled(app, kafka, feeding)
            if feeding.done():  # raises what ended it
                await feeding
        finally:
            stop_app.set()
            feeding.cancel()
            await working
        topic = app.settings.kafka.input_topic
        return self._summary(app, observer, await asyncio.to_thread(kafka.records, topic))

    async def _settled(self, app: App, kafka: EmbeddedKafka, feeding: asyncio.Task) -> bool:
        """Whether all input, also of other clients, is resolved, or the wait for it is over."""
        if not feeding.done():
            return False
        self._fed_at = self._fed_at or time.monotonic()
        totals, topic = app.runner.totals, app.settings.kafka.input_topic
        produced = await asyncio.to_thread(kafka.records, topic)
        return totals.resolved >= produced or (
            self._events is None and time.monotonic() - self._fed_at > SETTLE_S
        )

    async def _feed(self, app: App, stop: asyncio.Event) -> None:
        """Produce at the rate, within MAX_AHEAD of what the worker has confirmed."""
        kafka = app.settings.kafka
        # No log but of what is critical: the broker may end before it.
        properties = {"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 2, "log_level": 2}
        producer = Producer(properties)
        values: Iterator[bytes] = traffic.zipf(self._values)
        ahead = min(MAX_AHEAD, MAX_BYTES_AHEAD // max(map(len, self._values)))
        start = time.monotonic()
        while not stop.is_set() and self._produced != self._events:
            room = app.runner.totals.resolved + ahead - self._produced
            if self._rate:
                room = min(room, int((time.monotonic() - start) * self._rate) - self._produced)
            if self._events:
                room = min(room, self._events - self._produced)
            for _ in range(room):
                producer.produce(kafka.input_topic, value=next(values))
                self._produced += 1
            producer.poll(0)
            await asyncio.sleep(TICK_S)
        await asyncio.to_thread(producer.flush)

    def _summary(self, app: App, observer: Observer, produced: int) -> dict[str, Any]:
        """The totals; latencies from consume to produced output, milliseconds; `seconds` from the
        first confirmed event to the last, so that of a short run a latency may be longer.

        `produced` counts the records of other clients too; `first_event_s` is from the start of
        the program to the first confirmed event; `balanced`: nothing was lost. There is no rate of
        events that were confirmed almost at once.
        """
        totals, whole = app.runner.totals, observer.whole()
        seconds = totals.last_at - totals.first_at
        rate = round(totals.resolved / seconds, 1) if seconds >= LEAST_S else None
        return {
            "produced": produced,
            "consumed": totals.consumed,
            "published": totals.published,
            "dead_lettered": totals.dead_lettered,
            "skipped": totals.skipped,
            "seconds": round(seconds, 2),
            "events_per_second": rate,
            "p50_ms": whole.latency_ms(0.5),
            "p95_ms": whole.latency_ms(0.95),
            "p99_ms": whole.latency_ms(0.99),
            "cache_hit_ratio": round(whole.hit_ratio, 4),
            "first_event_s": round(totals.first_at - self._started, 2) if totals.resolved else 0.0,
            "balanced": produced == totals.consumed == totals.resolved,
        }


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Wait for `work`; False if `stop` is set before: then it is cancelled."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    done = working.done()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return done
