"""Signals: the first SIGTERM or SIGINT stops gracefully, the second by force; SIGHUP reloads."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from worker.logs import last_line

T = TypeVar("T")

FORCED = "stopped by force: unconfirmed records will be consumed again"


async def until_stopped(
    work: Callable[[asyncio.Event], Awaitable[T]],
    before_exit: Callable[[], None] = lambda: None,
    on_start: Callable[[asyncio.Event], None] = lambda stop: None,
    also: tuple[signal.Signals, ...] = (),
) -> T:
    """Run `work(stop)`; the first SIGTERM or SIGINT sets `stop`, the second ends the process.

    Only signals count: if something else has set `stop`, the first one still does not force.

    Args:
        before_exit: called before the process is ended by force.
        on_start: called with `stop` on the event loop before `work`.
        also: signals that stop as SIGTERM does, unless this process was started to ignore them.
    """
    stop, loop, signalled = asyncio.Event(), asyncio.get_running_loop(), False

    def on_signal(*_: object) -> None:
        nonlocal signalled
        if signalled:
            before_exit()
            with suppress(OSError):  # not by `print`, which this handler may have interrupted
                os.write(2, f"{last_line(FORCED)}\n".encode())
            os._exit(1)
        signalled = True
        with suppress(RuntimeError):  # the loop is closed: it has stopped
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    for number in also:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, on_signal)
    on_start(stop)
    return await work(stop)


class Hangup:
    """Handles SIGHUP from construction on; one that arrives before `calls` is delivered by it."""

    def __init__(self) -> None:
        self._came = False
        self._call: Callable[[], object] = self._keep
        signal.signal(signal.SIGHUP, self._on_signal)

    def calls(self, function: Callable[[], None]) -> None:
        """Call `function` on the running event loop for each SIGHUP."""
        self._call = partial(asyncio.get_running_loop().call_soon_threadsafe, function)
        if self._came:
            function()

    def _keep(self) -> None:
        self._came = True

    def _on_signal(self, *_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the program ends
            self._call()
