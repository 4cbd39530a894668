"""A worker's side of `run --processes`: its sockets to the supervisor."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

import orjson

from worker.config.secrets import Properties
from worker.config.settings import Settings
from worker.errors import Stop

INSTANCE = "group.instance.id"


@dataclass(frozen=True)
class Member:
    """One of several workers.

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
