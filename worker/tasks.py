"""Background tasks that report their errors, and threads for what blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def guarded(
    work: Coroutine[Any, Any, None], fail: Callable[[BaseException], None]
) -> asyncio.Task[None]:
    """A task that does `work`; its error, for which nobody may wait, goes to `fail`."""

    async def watched() -> None:
        try:
            await work
        except Exception as error:
            fail(error)

    task = asyncio.create_task(watched())
    # Cancelled before its first step, the task has not begun to wait for `work`.
    task.add_done_callback(lambda _: work.close())
    return task


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
