"""Logs: one line of text, or one JSON object, a message; to stderr."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import orjson

from worker.settings import Logging


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        item = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            item["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(item).decode()


class Seldom:
    """Warns about a thing at most once in a while, so that an outage does not flood the log."""

    def __init__(self, logger: logging.Logger, every_s: float = 10.0) -> None:
        self._logger, self._every_s = logger, every_s
        self._told: dict[str, tuple[float, int]] = {}  # when last, and how often not since

    def warning(self, thing: str, message: str, *arguments: object) -> None:
        """Warn unless `thing` was warned about less than `every_s` seconds ago.

        The next warning tells how many were left out.
        """
        now = monotonic()
        told_at, hidden = self._told.get(thing, (-self._every_s, 0))
        if now - told_at < self._every_s:
            self._told[thing] = told_at, hidden + 1
            return
        self._told[thing] = now, 0
        if hidden:
            message, arguments = f"{message} (and %d times before, not shown)", (*arguments, hidden)
        self._logger.warning(message, *arguments)


class _Held(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: deque[logging.LogRecord] = deque(maxlen=200)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def held() -> Iterator[None]:
    """Keep back what is logged, the last 200 messages of it, and write it at the end."""
    root, held = logging.getLogger(), _Held()
    handlers, root.handlers = root.handlers, [held]
    try:
        yield
    finally:
        root.handlers = handlers
        for record in held.records:
            root.handle(record)


def set_up(settings: Logging) -> None:
    """Send this process's logs to stderr as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(_Json() if settings.format == "json" else text)
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    # librdkafka tells every lost connection on top of what the error callbacks tell.
    logging.getLogger("librdkafka").setLevel(
        logging.DEBUG if settings.level == "debug" else logging.CRITICAL
    )
