"""A worker's own side of `run --processes`: what it shares with its supervisor."""

from __future__ import annotations

import asyncio
import socket
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
        listener: where it serves health and metrics.
        line: to the supervisor, JSON lines. Its end is closed to stop this worker, also when the
            supervisor dies. No signal: a service manager may signal all processes, and a second
            SIGTERM would force.
    """

    number: int
    listener: socket.socket
    line: socket.socket

    @classmethod
    def of(cls, text: str) -> Member:
        """From `NUMBER:DESCRIPTOR:DESCRIPTOR`."""
        number, listener, line = map(int, text.split(":"))
        return cls(number, socket.socket(fileno=listener), socket.socket(fileno=line))

    def own(self, settings: Settings) -> Settings:
        """The settings with this worker's own `group.instance.id`, where there is one."""
        tables = {"client": settings.kafka.client, "consumer": settings.kafka.consumer}
        update = {
            name: Properties(table | {INSTANCE: f"{table[INSTANCE]}-{self.number}"})
            for name, table in tables.items()
            if INSTANCE in table
        }
        return settings.model_copy(update={"kafka": settings.kafka.model_copy(update=update)})

    def started(self, stop: asyncio.Event) -> None:
        """Signals are caught from now on; sets `stop` when the line's end is closed."""
        self._say({})
        loop = asyncio.get_running_loop()

        def on_closed() -> None:
            loop.remove_reader(self.line)
            stop.set()

        loop.add_reader(self.line, on_closed)  # the supervisor never writes

    def ended(self, metrics: bytes, error: Stop | None) -> None:
        """Say the last metrics, and what ended the work if it was not the supervisor."""
        told: dict[str, object] = {"metrics": metrics.decode()}
        if error:
            told |= {"exit_code": error.exit_code, "message": str(error)}
        self._say(told)

    def _say(self, what: dict[str, object]) -> None:
        try:
            self.line.sendall(orjson.dumps(what) + b"\n")
        except OSError:  # the supervisor is gone
            return
