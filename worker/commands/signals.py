"""What signals do: SIGTERM and SIGINT stop in good order, a second one by force; SIGHUP reloads."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")

FORCED = b"stopped by force: what was not confirmed is consumed again\n"


async def until_stopped(
    work: Callable[[asyncio.Event], Awaitable[T]],
    put_away: Callable[[], None] = lambda: None,
    on_start: Callable[[], None] = lambda: None,
    also: tuple[signal.Signals, ...] = (),
) -> T:
    """Run `work(stop)`; the first SIGTERM or SIGINT sets `stop`, the second ends the process.

    Args:
        put_away: called before an end by force, wherever `work` is.
        on_start: called on the event loop before `work`.
        also: signals that stop as SIGTERM does, unless this process was started to ignore them.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        if stop.is_set():
            put_away()
            with suppress(OSError):  # not by `print`, which this handler may have interrupted
                os.write(2, FORCED)
            os._exit(1)
        with suppress(RuntimeError):  # the loop is closed: it has stopped
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    for number in also:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, on_signal)
    on_start()
    return await work(stop)


class Hangup:
    """SIGHUP, caught from construction on; one that comes before `calls` is kept for it."""

    def __init__(self) -> None:
        self._came = False
        self._call: Callable[[], object] = self._keep
        signal.signal(signal.SIGHUP, self._on_signal)

    def calls(self, function: Callable[[], None]) -> None:
        """Let each one call `function` on the running event loop."""
        self._call = partial(asyncio.get_running_loop().call_soon_threadsafe, function)
        if self._came:
            function()

    def _keep(self) -> None:
        self._came = True

    def _on_signal(self, *_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the program ends
            self._call()
