"""Background tasks that report their errors, and threads for what blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def guarded(work: Awaitable[None], fail: Callable[[BaseException], None]) -> None:
    """Wait for `work`; its error, which would end a task that nobody waits for, goes to `fail`."""
    try:
        await work
    except Exception as error:
        fail(error)


async def aside(work: Callable[[], T]) -> T:
    """Run in a thread that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not done.done():  # else the waiting was cancelled
            done.set_exception(error) if error else done.set_result(result)

    def run() -> None:
        result = error = None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed: the program has ended before
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True).start()
    return await done
