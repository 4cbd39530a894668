"""`query-worker run`."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import orjson

from worker import logs
from worker.commands.options import load, sources
from worker.commands.signals import Hangup, until_stopped
from worker.config.load import load_settings
from worker.config.secrets import Properties
from worker.config.settings import Settings
from worker.errors import Stop

logger = logging.getLogger(__name__)

# What is under way is more than Python's 700 objects, and would be looked through again and again.
YOUNG_OBJECTS = 200_000
# Python's own 5 ms, for each call of the Kafka thread, would be most of an event's latency.
SWITCH_S = 0.0005
# Of glibc's malloc: from this size on, blocks are mapped by themselves, and this much that is free
# at the end of the heap is returned. By default both grow with each large block that is freed, up
# to 32 and 64 MB, and what batches leave behind stays: 40 MB more at the most.
# Threads share so many of its arenas: with eight a core, the default, 30 MB more stay; with two the
# fast lane takes a tenth longer.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
MAPPED_BYTES, FREE_BYTES, ARENAS = 1 << 20, 4 << 20, 4
INSTANCE = "group.instance.id"


@dataclass(frozen=True)
class Member:
    """One of several workers: its sockets to the supervisor.

    Attributes:
        listener: for health and metrics.
        channel: to the supervisor, JSON lines. The worker stops when the other end is closed, also
            by the supervisor's death. Not by a signal: a service manager may signal all processes,
            and a second SIGTERM would force.
    """

    number: int
    listener: socket.socket
    channel: socket.socket

    @classmethod
    def of(cls, text: str) -> Member:
        """From `NUMBER:DESCRIPTOR:DESCRIPTOR`."""
        number, listener, channel = map(int, text.split(":"))
        return cls(number, socket.socket(fileno=listener), socket.socket(fileno=channel))

    def own(self, settings: Settings) -> Settings:
        """The settings with `group.instance.id`, if it is set, made unique by the number."""
        tables = {"client": settings.kafka.client, "consumer": settings.kafka.consumer}
        update = {
            name: Properties(table | {INSTANCE: f"{table[INSTANCE]}-{self.number}"})
            for name, table in tables.items()
            if INSTANCE in table
        }
        return settings.model_copy(update={"kafka": settings.kafka.model_copy(update=update)})

    def started(self, stop: asyncio.Event) -> None:
        """Report that signals are handled from now on; set `stop` when the channel is closed."""
        self._send({})
        loop = asyncio.get_running_loop()

        def on_closed() -> None:
            loop.remove_reader(self.channel)
            stop.set()

        loop.add_reader(self.channel, on_closed)  # the supervisor never writes

    def ended(self, metrics: bytes, error: Stop | None) -> None:
        """Report the last metrics, and the error that ended the worker."""
        report: dict[str, object] = {"metrics": metrics.decode()}
        if error:
            report |= {"exit_code": error.exit_code, "message": str(error)}
        self._send(report)

    def _send(self, report: dict[str, object]) -> None:
        with suppress(OSError):  # the supervisor is gone
            self.channel.sendall(orjson.dumps(report) + b"\n")


@click.command(short_help="Consume, understand and publish until stopped.")
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Workers of the consumer group, one process each, under a supervisor.",
)
@click.option("--member", hidden=True, help="Set by the supervisor.")
@sources
def run(
    processes: int, member: str | None, file: Path | None, assignments: tuple[str, ...]
) -> None:
    """Consume, understand and publish until stopped.

    SIGTERM and Ctrl-C finish what is in flight, a second one ends at once. SIGHUP reloads the
    configuration and the lexicon. Without --processes there is one process and no supervisor.

    \b
    Example:
      query-worker run --set kafka.bootstrap_servers=kafka:9092 --set inference.url=triton:8001
      query-worker run -c worker.toml --processes 4
    """
    hangup = Hangup()  # at once: until then SIGHUP kills
    if processes > 1:
        _supervise(hangup, processes, file, assignments)
    elif member:
        _run_member(Member.of(member), hangup, file, assignments)
    else:
        app = _app(file, assignments)
        asyncio.run(until_stopped(app.run, on_start=lambda _: hangup.calls(app.reload)))
        logger.info("%s", app.runner.totals)


def _return_memory() -> None:
    """Let malloc return what large buffers took; with other C libraries nothing changes."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(M_TRIM_THRESHOLD, FREE_BYTES)
        if "MALLOC_ARENA_MAX" not in os.environ:  # the operator's choice
            mallopt(M_ARENA_MAX, ARENAS)


def _app(file: Path | None, assignments: tuple[str, ...], member: Member | None = None):
    _return_memory()
    # Nothing loaded here becomes garbage; collecting would take a tenth of the start.
    gc.disable()
    from worker.app import App

    own = member.own if member else lambda settings: settings
    settings = own(load(file, assignments))
    read = partial(load_settings, file, assignments=assignments)
    app = App(settings, lambda: own(read()), member and member.listener)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()
    sys.setswitchinterval(SWITCH_S)
    return app


def _run_member(
    member: Member, hangup: Hangup, file: Path | None, assignments: tuple[str, ...]
) -> None:
    """Run one of several workers; its supervisor reports the error that ends it."""
    from prometheus_client import generate_latest

    logs.set_process(member.number)
    metrics, error = b"", None

    def on_start(stop: asyncio.Event) -> None:
        hangup.calls(app.reload)
        member.started(stop)

    try:
        app = _app(file, assignments, member)
        try:
            asyncio.run(until_stopped(app.run, on_start=on_start))
        finally:
            metrics = generate_latest(app.metrics.registry)
    except Stop as stop:
        error = stop
    member.ended(metrics, error)
    sys.exit(error.exit_code if error else 0)


def _supervise(
    hangup: Hangup, processes: int, file: Path | None, assignments: tuple[str, ...]
) -> None:
    from worker.commands.processes import Supervisor

    settings = load(file, assignments)
    arguments = ["-c", str(file)] if file else []
    arguments += [word for item in assignments for word in ("--set", item)]
    supervisor = Supervisor(settings, processes, arguments)
    asyncio.run(
        until_stopped(
            supervisor.run, supervisor.kill, on_start=lambda _: hangup.calls(supervisor.reload)
        )
    )
