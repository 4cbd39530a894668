"""Logs to stderr: one line of text, or one JSON object, for each message.

Secrets and control characters are removed here, so no text from outside can begin a line.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import orjson

from worker.config.settings import Logging
from worker.redact import redacted

_json = False  # see `last_line`
_show_queries = False  # see `shown`
_process: int | None = None  # see `set_process`


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time, message = self.formatTime(record, "%H:%M:%S"), redacted(record.getMessage())
        process = f"[{_process}] " if _process else ""
        line = f"{time} {record.levelname:<7} {process}{record.name}: {message}"
        return "\n  | ".join([line, *_trace(record).splitlines()])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return self.written(record, redacted(record.getMessage()))

    def written(self, record: logging.LogRecord, message: str) -> str:
        item = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        if _process:
            item["process"] = _process
        if trace := _trace(record):
            item["exception"] = trace
        return orjson.dumps(item).decode()


def _trace(record: logging.LogRecord) -> str:
    """The traceback; with the error's message, which may quote a query, if queries are logged."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    kind, error, stack = record.exc_info
    lines = traceback.format_exception(error) if _show_queries else traceback.format_tb(stack)
    return redacted("".join(lines) + ("" if _show_queries else kind.__name__), lines=True)


def shown(text: str) -> str:
    """A query as it may be logged: length and hash, or its text with `logging.queries`."""
    if _show_queries:
        return repr(text)
    return f"of {len(text)} characters, SHA-256 {sha256(text.encode()).hexdigest()[:16]}"


def fault(error: BaseException) -> str:
    """An unexpected error as its type and line, without its message, which may quote a query."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class Seldom:
    """Limits the rate of equal warnings, so that an outage does not flood the log."""

    def __init__(self, logger: logging.Logger, every_s: float = 10.0) -> None:
        self._logger, self._every_s = logger, every_s
        self._last: dict[str, tuple[float, int]] = {}  # kind → last shown at, hidden since

    def warning(self, kind: str, message: str, *arguments: object) -> None:
        """Warn unless a warning of this kind was shown less than `every_s` seconds ago.

        The next warning says how many were hidden.
        """
        now = monotonic()
        shown_at, hidden = self._last.get(kind, (-self._every_s, 0))
        if now - shown_at < self._every_s:
            self._last[kind] = shown_at, hidden + 1
            return
        self._last[kind] = now, 0
        if hidden:
            message, arguments = f"{message} (and %d times before, not shown)", (*arguments, hidden)
        self._logger.warning(message, *arguments)


def last_line(message: str) -> str:
    """Why the program ends, in the form of the log. A signal handler may call it: no lock is taken.

    Args:
        message: redacted; it may have several lines, which are one object in JSON.
    """
    if not _json:
        return f"query-worker: {message}"
    record = logging.makeLogRecord({"name": "worker", "levelname": "ERROR"})
    return _Json().written(record, message)


@contextmanager
def buffered() -> Iterator[None]:
    """Buffer log messages, the last 200 of them, and write them at the end."""
    root, buffer = logging.getLogger(), logging.Handler()
    records: deque[logging.LogRecord] = deque(maxlen=200)
    buffer.emit = records.append
    handlers, root.handlers = root.handlers, [buffer]
    try:
        yield
    finally:
        root.handlers = handlers
        for record in records:
            root.handle(record)


def set_process(number: int) -> None:
    """Show this process's number in each message."""
    global _process
    _process = number


def set_up(settings: Logging) -> None:
    """Write this process's logs to stderr, as configured."""
    global _json, _show_queries
    _json, _show_queries = settings.format == "json", settings.queries
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if _json else _Text())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("grpc").setLevel(logging.INFO)  # its debug messages are of its own loops
    # librdkafka logs every lost connection, which the error callbacks report as well.
    logging.getLogger("librdkafka").setLevel(
        logging.DEBUG if settings.level == "debug" else logging.CRITICAL
    )
